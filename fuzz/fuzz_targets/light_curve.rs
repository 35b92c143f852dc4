//! Any bytes as a light curve in FITS, packed or not, or in CSV: an error, or three columns of one length.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use transit_search::{LightCurve, RawCurve};

fuzz_target!(|bytes: &[u8]| {
    let Ok(curve) = RawCurve::from_bytes(Path::new("curve"), bytes) else { return };
    assert!(curve.time.len() == curve.flux.len() && curve.time.len() == curve.error.len());
    let _ = LightCurve::of(&curve);
});
