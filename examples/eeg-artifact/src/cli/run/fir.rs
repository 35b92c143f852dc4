//! Filters to design: the taps of each, in a file of its own.

use consumer_support::OutFolder;
use eeg_artifact::dsp::{design_fir, design_notch};
use manyhands::report::write_atomically;
use serde_json::{Value, json};

use super::job::FirEntry;
use crate::cli::Refusal;

/// What became of the filters.
#[derive(Debug)]
pub(super) struct Designs {
    /// An entry per filter, in order.
    pub(super) entries: Value,
    /// Those that cannot be designed, and why.
    pub(super) failed: Vec<String>,
}

/// Designs all filters, and writes `taps_00.f64` and so on.
///
/// # Errors
/// A message when a file cannot be written.
pub(super) fn run(filters: &[FirEntry], out: &mut OutFolder) -> Result<Designs, Refusal> {
    out.create().map_err(|error| error.to_string())?;
    let (mut entries, mut failed) = (Vec::new(), Vec::new());
    for (idx, filter) in filters.iter().enumerate() {
        let name = format!("taps_{idx:02}.f64");
        let place = out.claim(&name).map_err(|error| error.to_string())?;
        match taps(filter) {
            Ok(taps) => {
                let bytes: Vec<u8> = taps.iter().flat_map(|tap| tap.to_le_bytes()).collect();
                write_atomically(&place, |file| file.write_all(&bytes)).map_err(|why| why.to_string())?;
                entries.push(json!({ "file": name, "n_taps": taps.len() }));
            }
            Err(error) => {
                failed.push(format!("filter {idx}: {error}"));
                entries.push(json!({ "error": error }));
            }
        }
    }
    Ok(Designs { entries: Value::Array(entries), failed })
}

fn taps(filter: &FirEntry) -> Result<Vec<f64>, String> {
    let FirEntry { sfreq, l_freq, h_freq, ref notch, notch_width } = *filter;
    let taps = match notch {
        Some(_) if l_freq.is_some() || h_freq.is_some() => {
            return Err("a notch has no l_freq and h_freq; design two filters".to_owned());
        }
        Some(notches) => design_notch(sfreq, notches, notch_width),
        None if notch_width.is_some() => {
            return Err("notch_width belongs to a notch; give notch, or leave it out".to_owned());
        }
        None => design_fir(sfreq, l_freq, h_freq),
    };
    taps.map_err(|error| error.to_string())
}
