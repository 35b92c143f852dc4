//! Light curves in FITS files: the layout of the missions, those of other programs, and files that are broken.
//!
//! `tests/data/tess_layout.fits` was written by astropy 8.0.2: an empty first part, a table `LIGHTCURVE` of 200 rows with the columns
//! that TESS has, fluxes in electrons a second, and an image behind it. Row i has the time 1325.5 + i / 4, the relative flux
//! 1 + 0.001 * ((i * 7919 mod 13) - 6) / 6 times 14500, the error 0.0005 times 14500; flux 40 and time 41 are missing.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use fitsio_pure::bintable::{BinaryColumnData, BinaryColumnDescriptor, BinaryColumnType, serialize_binary_table_hdu};
use fitsio_pure::gzip;
use fitsio_pure::header::serialize_header;
use fitsio_pure::primary::build_primary_header;
use proptest::prelude::*;
use transit_search::{LightCurve, RawCurve, TransitError, synthetic_curve};

const TESS_LAYOUT: &[u8] = include_bytes!("../data/tess_layout.fits");

/// A file with one table.
fn fits(columns: &[(&str, usize, BinaryColumnData)], rows: usize) -> Vec<u8> {
    let descriptors: Vec<BinaryColumnDescriptor> = columns
        .iter()
        .map(|(name, repeat, data)| {
            let (col_type, bytes) = match data {
                BinaryColumnData::Double(_) => (BinaryColumnType::Double, 8),
                BinaryColumnData::Float(_) => (BinaryColumnType::Float, 4),
                BinaryColumnData::Ascii(_) => (BinaryColumnType::Ascii, 1),
                other => panic!("not needed here: {other:?}"),
            };
            let name = Some((*name).to_owned());
            BinaryColumnDescriptor { name, repeat: *repeat, col_type, byte_width: repeat * bytes, tdim: None }
        })
        .collect();
    let data: Vec<BinaryColumnData> = columns.iter().map(|(_, _, data)| data.clone()).collect();
    let mut bytes = serialize_header(&build_primary_header(8, &[]).unwrap()).unwrap();
    bytes.extend(serialize_binary_table_hdu(&descriptors, &data, rows).unwrap());
    bytes
}

/// A light curve as it is, in 64 bits and without a unit.
pub(crate) fn fits_of(curve: &LightCurve) -> Vec<u8> {
    let column = |name, values: &[f64]| (name, 1, BinaryColumnData::Double(values.to_vec()));
    fits(&[column("flux_err", curve.error()), column("TIME", curve.time()), column("flux", curve.flux())], curve.len())
}

fn read(bytes: &[u8]) -> Result<RawCurve, TransitError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curve.of.any.name");
    fs::write(&path, bytes).unwrap();
    RawCurve::read(&path)
}

#[test]
fn a_table_as_tess_has_it_is_read_in_relative_fluxes() {
    for bytes in [TESS_LAYOUT.to_vec(), gzip::compress(TESS_LAYOUT, 6)] {
        let curve = read(&bytes).unwrap();
        assert_eq!((curve.time.len(), curve.flux.len(), curve.error.len()), (200, 200, 200));
        assert!(curve.flux[40].is_nan() && curve.time[41].is_nan());
        assert_eq!(LightCurve::of(&curve).unwrap().len(), 198);
        for i in (0..200).filter(|i| ![40, 41].contains(i)) {
            let flux = 1.0 + 0.001 * ((i * 7919 % 13) as f64 - 6.0) / 6.0;
            assert_eq!(curve.time[i], 1325.5 + i as f64 * 0.25);
            assert!((curve.flux[i] - flux).abs() < 2e-7, "{i}: {} and not {flux}", curve.flux[i]);
            assert!((curve.error[i] - 0.0005).abs() < 1e-10, "{i}: {}", curve.error[i]);
        }
    }
}

#[test]
fn numbers_without_a_unit_are_taken_as_they_are() {
    let curve = synthetic_curve(3).curve;
    let raw = read(&fits_of(&curve)).unwrap();
    assert_eq!((&raw.time[..], &raw.flux[..], &raw.error[..]), (curve.time(), curve.flux(), curve.error()));
}

#[test]
fn what_a_table_lacks_is_named() {
    let double = |name, repeat| (name, repeat, BinaryColumnData::Double(vec![1.0; 4 * repeat]));
    let words = ("FLUX", 3, BinaryColumnData::Ascii(vec!["one".to_owned(); 4]));
    let (time, flux, error) = (double("TIME", 1), double("SAP_FLUX", 1), double("SAP_FLUX_ERR", 1));
    let (pair, pair_error) = (double("FLUX", 2), double("FLUX_ERR", 1));
    for (columns, what) in [
        (vec![flux.clone(), error.clone()], "no table in it has a column TIME and one of PDCSAP_FLUX"),
        (vec![time.clone(), error], "no table in it has a column TIME"),
        (vec![time.clone(), flux], "it has a column SAP_FLUX, and no column SAP_FLUX_ERR"),
        (vec![time.clone(), pair, pair_error.clone()], "column FLUX: 2 numbers in a row"),
        (vec![time, words, pair_error], "column FLUX: 3 numbers in a row"),
    ] {
        let error = read(&fits(&columns, 4)).unwrap_err();
        assert!(matches!(error, TransitError::Malformed { .. }) && error.to_string().contains(what), "{error}");
    }
}

#[test]
fn fluxes_in_a_unit_that_are_about_zero_cannot_be_made_relative() {
    let mut bytes = TESS_LAYOUT.to_vec();
    let unit = position(&bytes, b"'PDCSAP_FLUX'") + 1;
    bytes[unit..unit + 11].copy_from_slice(b"QDCSAP_FLUX");
    assert!(read(&bytes).is_ok(), "the plain fluxes are there as well");
    let zero = "TSCAL4  =                  0.0";
    let card = position(&bytes, b"TFORM2  =");
    let spare = position(&bytes, b"EXTNAME =");
    assert!(card < spare);
    bytes[spare..spare + 80].copy_from_slice(format!("{zero:<80}").as_bytes());
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains("the median of SAP_FLUX is 0: such fluxes cannot be made relative"), "{error}");
}

fn position(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

#[test]
fn a_file_that_ends_early_is_no_light_curve() {
    let table = position(TESS_LAYOUT, b"XTENSION");
    for length in [9, 100, 2879, 2880, table + 1000, table + 2880, table + 7000] {
        let error = read(&TESS_LAYOUT[..length]).unwrap_err();
        assert!(matches!(error, TransitError::Malformed { .. }), "{length}: {error}");
    }
    let packed = gzip::compress(TESS_LAYOUT, 6);
    let error = read(&packed[..packed.len() / 2]).unwrap_err().to_string();
    assert!(error.contains("it is no whole FITS file"), "{error}");
    assert!(RawCurve::read(Path::new("absent.fits")).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn headers_that_make_no_sense_are_named() {
    for (keyword, value) in [
        ("NAXIS", -1),
        ("NAXIS1", -1),
        ("NAXIS1", 3),
        ("NAXIS2", i64::MAX),
        ("TFIELDS", -1),
        ("TFIELDS", 1_000_000_000),
    ] {
        let mut bytes = TESS_LAYOUT.to_vec();
        let table = position(&bytes, b"XTENSION");
        let card = table + position(&bytes[table..], format!("{keyword:<8}=").as_bytes());
        bytes[card..card + 80].copy_from_slice(format!("{:<80}", format!("{keyword:<8}= {value:>20}")).as_bytes());
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error, TransitError::Malformed { .. }), "{keyword} {value}: {error}");
    }
}

#[test]
fn letters_that_are_no_ascii_change_nothing_in_a_comment_and_are_named_in_a_format() {
    let card = |bytes: &mut [u8], keyword: &str, text: &str| {
        let place = position(bytes, keyword.as_bytes());
        bytes[place..place + 80].fill(b' ');
        bytes[place..place + text.len()].copy_from_slice(text.as_bytes());
    };
    let mut bytes = TESS_LAYOUT.to_vec();
    card(&mut bytes, "EXTNAME =", "COMMENT wavelengths in Å");
    assert_eq!(read(&bytes).unwrap().time.len(), 200);
    card(&mut bytes, "TFORM2  =", "TFORM2  = '1Õ'");
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains("a table's columns"), "{error}");
}

/// Each keyword of each column is looked for among all cards, and a string that goes on moves all that follow.
#[test]
fn a_header_of_a_million_cards_is_refused_at_once() {
    let end = position(TESS_LAYOUT, b"END     ");
    let cards = format!("{:<80}", "COMMENT x").repeat(1_000_008);
    let bytes = [&TESS_LAYOUT[..end / 80 * 80], cards.as_bytes(), &TESS_LAYOUT[end..]].concat();
    let begun = Instant::now();
    let error = read(&bytes).unwrap_err();
    assert!(matches!(&error, TransitError::OverBudget { over, .. } if over.limit == 20_000), "{error}");
    assert!(error.to_string().contains("cards in its headers where at most 20000 are read; copy the table"), "{error}");
    let text = format!("{:<80}{:<80}", "LONG    = 'a&'", "CONTINUE  'b'").repeat(9_000);
    let bytes = [&TESS_LAYOUT[..end / 80 * 80], text.as_bytes(), &TESS_LAYOUT[end..]].concat();
    let _ = read(&bytes);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_field_without_an_end_is_refused_before_it_is_whole() {
    let text = format!("time_days,flux,flux_err\n1,1,0.1\n\"{}", "9".repeat(20 << 20));
    let error = read(text.as_bytes()).unwrap_err();
    assert!(matches!(&error, TransitError::OverBudget { over, .. } if over.limit == 16 << 20), "{error}");
}

#[test]
fn parts_of_a_gzip_file_are_read_together_and_its_filling_is_not() {
    let half = TESS_LAYOUT.len() / 2;
    let mut bytes = gzip::compress(&TESS_LAYOUT[..half], 6);
    bytes.extend(gzip::compress(&TESS_LAYOUT[half..], 6));
    bytes.extend([0; 500]);
    assert_eq!(read(&bytes).unwrap().time.len(), 200);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        changes in prop::collection::vec((0..TESS_LAYOUT.len(), any::<u8>()), 0..6),
        length in 0..=TESS_LAYOUT.len(),
    ) {
        let mut bytes = TESS_LAYOUT[..length].to_vec();
        for (place, byte) in changes {
            if let Some(old) = bytes.get_mut(place) {
                *old = byte;
            }
        }
        if let Ok(curve) = read(&bytes) {
            prop_assert!(curve.time.len() == curve.flux.len() && curve.time.len() == curve.error.len());
        }
    }
}
