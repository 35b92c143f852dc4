//! Without a command: drawn frames, extracted with the small models that the program carries, and compared with the truth.

use std::fs;
use std::path::Path;

use consumer_support::input::read_whole;
use consumer_support::{CliContext, ExitStatus, Output};
use landmark_extraction::made::{self, MadeError, PartError};
use landmark_extraction::sample::{SampleFigures, array_path, read_array};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Refusal;
use super::args::{ExtractArgs, MadeArgs};
use super::extract::{self, ExtractedData};

/// A note is a few bytes; what is longer is none.
const MOST_NOTE_BYTES: u64 = 1 << 10;

/// The drawn frames, in the folder of the results.
const DATA: &str = "data";

/// What tells one drawn set from another.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SetNote {
    samples: usize,
    frames: usize,
    version: String,
}

/// Draws the frames, extracts them, and measures the error.
///
/// # Errors
/// A message when nothing could be done.
pub(super) fn made(args: &MadeArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let data = args.out.join(DATA);
    draw(args, &data, context.output)?;
    let wanted = ExtractArgs {
        data: Some(data.clone()),
        out: args.out.clone(),
        split: "all".to_owned(),
        models: Some("made".into()),
        memory: None,
        checkpoint_every: 50,
        stride: 1,
        mirrored: false,
        time_limit: None,
        redo_changed: true,
        status: false,
    };
    let done = extract::extract_data(&data, &wanted, context)?;
    let error = error_of(&done, args.frames);
    if let Some(error) = &error {
        context.output.result(&format!("face: {}\nhands: {}", sentence(&error.face), sentence(&error.hand)));
        let path = args.out.join("made_error.json");
        extract::write_json(&path, &json!(error))?;
    }
    extract::finish(&data, &done, error.as_ref(), context)
}

/// Draws the frames unless the very same are there.
fn draw(args: &MadeArgs, data: &Path, output: &Output) -> Result<(), Refusal> {
    let note = SetNote { samples: args.samples, frames: args.frames, version: env!("CARGO_PKG_VERSION").to_owned() };
    let note_path = args.out.join("made_set.json");
    let there: Option<SetNote> =
        read_whole(&note_path, MOST_NOTE_BYTES).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if there.as_ref() == Some(&note) && data.is_dir() {
        return Ok(());
    }
    let refused =
        |error: std::io::Error| format!("{} cannot be written: {error}; choose another --out", data.display());
    if there.is_some() && data.is_dir() {
        fs::remove_dir_all(data).map_err(refused)?; // of another number of samples or frames
    } else if data.exists() {
        return Err(format!(
            "{} is there already and was not drawn by this program; choose another --out",
            data.display()
        ));
    }
    output.result(&format!("{} samples of {} frames are drawn into {}", args.samples, args.frames, data.display()));
    made::write_set(data, args.samples, args.frames).map_err(refused)?;
    extract::write_json(&note_path, &json!(note))
}

/// The error of all samples that have an array; none where no sample has one.
fn error_of(done: &ExtractedData, frames: usize) -> Option<MadeError> {
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for split in &done.splits {
        let folder = done.settings.split_folder(&split.split);
        // In the order of the samples, not of their ends, so that sums are the same in every run.
        for SampleFigures { sample_id: id, .. } in &split.figures() {
            let (Some(sample), Ok(found)) = (sample_number(id), read_array(&array_path(&folder, id))) else { continue };
            rows.extend(found);
            truth.extend(made::truth(made::SEED, sample, frames));
        }
    }
    if rows.is_empty() { None } else { made::error(&rows, &truth).ok() }
}

/// The number of a drawn sample; none for a name that is none of theirs.
fn sample_number(id: &str) -> Option<usize> {
    id.strip_prefix("made_")?.parse::<usize>().ok()?.checked_sub(1)
}

fn sentence(error: &PartError) -> String {
    format!(
        "{} compared with the truth: points {:.2} px off on average ({:.1} % of the square around it), {:.2} px at most; {:.1} % rightly \
         found or absent",
        error.n_compared,
        error.mean_pixels,
        100.0 * error.mean_share,
        error.largest_pixels,
        100.0 * error.presence_share()
    )
}
