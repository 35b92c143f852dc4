//! The page over a run: what the samples came to, and some frames with their landmarks.

use std::path::Path;
use std::time::Duration;

use consumer_support::CliContext;
use consumer_support::page::{Fact, Link, Warning};
use landmark_extraction::made::MadeError;
use landmark_extraction::models::ModelSource;
use landmark_extraction::page::{
    PartError, RanModels, RunView, ShownFrame, SplitView, choose, rows_to_show, write_page,
};
use landmark_extraction::picture::Picture;
use landmark_extraction::row::ROW;
use landmark_extraction::sample::{
    Extracted, FrameSet, FrameWarning, SampleFailure, SampleFigures, WarningKind, array_path, read_array,
};

use super::results::{self, FAILED, METRICS, SUMMARY};
use super::settings::ExtractSettings;
use super::split_run::{SplitOutcome, memory_of};
use super::{ExtractedData, Refusal};

/// How many samples beside the first and the worst are shown; the same seed draws the same ones.
const N_RANDOM: usize = 3;
const SEED: u64 = 1;

/// How many frames of a sample are shown.
const N_FRAMES: usize = 3;

/// A frame that is shown.
struct Shown {
    title: String,
    name: String,
    picture: Picture,
    row: Vec<f32>,
}

/// Writes index.html into the folder of the run.
///
/// # Errors
/// A message when it cannot be written.
pub(super) fn write(
    data: &Path,
    done: &ExtractedData,
    error: Option<&MadeError>,
    context: &CliContext<'_>,
) -> Result<(), Refusal> {
    let figures: Vec<Vec<SampleFigures>> = done.splits.iter().map(SplitOutcome::figures).collect();
    let shown = shown_frames(data, &figures.concat(), &done.settings);
    let split = |(outcome, figures)| split_view(outcome, figures);
    let run = RunView {
        title: "Landmarks",
        subtitle: &data.display().to_string(),
        models: ran_models(&done.settings.models),
        splits: done.splits.iter().zip(figures.iter().map(Vec::as_slice)).map(split).collect(),
        facts: facts(done, context),
        errors: error.map(part_errors).unwrap_or_default(),
        shown: shown
            .iter()
            .map(|shown| ShownFrame {
                title: &shown.title,
                name: &shown.name,
                picture: &shown.picture,
                row: &shown.row,
            })
            .collect(),
        warnings: done.splits.iter().flat_map(warnings_of_split).collect(),
        files: files(&done.splits),
    };
    write_page(&done.settings.out, &run).map_err(|error| format!("the page is not written, the arrays are: {error}"))
}

fn ran_models(source: &ModelSource) -> RanModels<'_> {
    match source {
        ModelSource::Made => RanModels::Made,
        ModelSource::Folder(folder) => RanModels::Files { folder },
    }
}

fn split_view<'a>(outcome: &'a SplitOutcome, figures: &'a [SampleFigures]) -> SplitView<'a> {
    let measured = &outcome.measured;
    SplitView {
        name: &outcome.split,
        n_samples: outcome.n_samples,
        figures,
        wall: measured.wall,
        busy: measured.tally.map_or(Duration::ZERO, |tally| tally.busy),
        cpu: measured.cpu_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        frames_of_this_run: outcome.frames_of_this_run(),
    }
}

fn facts(done: &ExtractedData, context: &CliContext<'_>) -> Vec<Fact> {
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let mut facts = vec![
        fact("Mode", format!("{}, {} workers", context.mode, done.workers)),
        fact("Frames", frames_taken(done.settings.science.stride)),
    ];
    let most = done.splits.iter().map(|split| split.measured.worker_bytes).max().unwrap_or_default();
    if most > 0 {
        facts.push(fact("Memory", format!("{} took {} MiB at most", memory_of(context.mode), most >> 20)));
    }
    for split in &done.splits {
        if let Some(factor) = results::speed_up(&split.measured, split.frames_of_this_run()) {
            let value = format!("{factor:.2} times one worker, against a sample that was measured alone");
            facts.push(fact(&format!("Speed of {}", split.split), value));
        }
    }
    facts
}

/// Which frames of a sample have a row.
fn frames_taken(stride: usize) -> String {
    match stride {
        1 => "all".to_owned(),
        _ => format!("0, {stride}, {} and so on", stride.saturating_mul(2)),
    }
}

fn part_errors(error: &MadeError) -> Vec<PartError> {
    let of = |part: &str, error: &landmark_extraction::made::PartError| PartError {
        part: part.to_owned(),
        mean_px: error.mean_pixels,
        largest_px: error.largest_pixels,
        mean_share: error.mean_share,
        largest_share: error.largest_share,
        n_right: error.presence_right,
        n_wrong: error.missed + error.invented,
    };
    vec![of("face", &error.face), of("hand", &error.hand)]
}

fn files(splits: &[SplitOutcome]) -> Vec<Link> {
    let of = |split: &SplitOutcome| {
        [(METRICS, "a row for each sample"), (SUMMARY, "totals, speed, memory"), (FAILED, "failed samples")].map(
            |(file, about)| Link {
                path: format!("{}/{file}", split.split),
                about: format!("{}: {about}", split.split),
            },
        )
    };
    splits.iter().flat_map(of).collect()
}

/// The torn and missing frames of all samples, those of failed ones too, and the notes.
fn warnings_of_split(outcome: &SplitOutcome) -> Vec<Warning> {
    let failed = outcome.failed.iter().flat_map(warnings_of_failed);
    outcome.done().flat_map(warnings_of).chain(failed).collect()
}

/// The torn and missing frames of a sample, and its notes.
pub(super) fn warnings_of(extracted: &Extracted) -> Vec<Warning> {
    let subject = format!("{}/{}", extracted.figures.split, extracted.figures.sample_id);
    let of_sample = |note: &String| Warning { subject: subject.clone(), reason: note.clone() };
    let rows = warnings_of_rows(&extracted.figures, &extracted.warnings);
    rows.into_iter().chain(extracted.notes.iter().map(of_sample)).collect()
}

/// The torn and missing frames of a sample without an array: they say why it has none.
pub(super) fn warnings_of_failed(failure: &SampleFailure) -> Vec<Warning> {
    warnings_of_rows(&failure.figures, &failure.warnings)
}

fn warnings_of_rows(figures: &SampleFigures, warnings: &[FrameWarning]) -> Vec<Warning> {
    let name = format!("{}/{}", figures.split, figures.sample_id);
    let of_row = |warning: &FrameWarning| Warning {
        subject: format!("{name}, row {}", warning.row),
        reason: match warning.kind {
            WarningKind::TornFrame => format!("{} {}", warning.file.as_deref().unwrap_or("a frame"), warning.reason),
            WarningKind::MissingFrame => match warning.number {
                Some(number) => format!("frame {number} is missing"),
                None => "a frame is missing".to_owned(),
            },
        },
    };
    warnings.iter().map(of_row).collect()
}

/// Frames of the chosen samples. One whose frames or array can no longer be read is left out.
fn shown_frames(data: &Path, figures: &[SampleFigures], settings: &ExtractSettings) -> Vec<Shown> {
    let mut shown = Vec::new();
    for chosen in choose(figures, N_RANDOM, SEED) {
        let Some(figures) = figures.get(chosen.index) else { continue };
        let title = format!("{}/{} ({})", figures.split, figures.sample_id, chosen.why);
        shown.extend(frames_of(data, figures, settings, &title).unwrap_or_default());
    }
    shown
}

fn frames_of(data: &Path, figures: &SampleFigures, settings: &ExtractSettings, title: &str) -> Option<Vec<Shown>> {
    let numbers = read_array(&array_path(&settings.split_folder(&figures.split), &figures.sample_id)).ok()?;
    let frames = FrameSet::read(&data.join(&figures.split).join(&figures.sample_id)).ok()?;
    let rows = frames.rows(settings.science.stride).zip(numbers.chunks_exact(ROW));
    let with_file: Vec<_> = rows.filter_map(|(slot, row)| Some((slot.path?, row))).collect();
    let frame = |idx: usize| {
        let (path, row) = with_file.get(idx)?;
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some(Shown { title: title.to_owned(), name, picture: Picture::read(path).ok()?, row: row.to_vec() })
    };
    Some(rows_to_show(with_file.len(), N_FRAMES).into_iter().filter_map(frame).collect())
}
