//! Artifacts are aligned to less than a sample, on made recordings whose truth is known.

use eeg_artifact::{Recording, Triggers};
use serde_json::json;

use crate::aas::{broadband, finding, recording_of, run, triggers_of};
use crate::golden::rows_of;

/// What a scanner adds: in each volume eight gradients with edges of about two samples, 100 uV high, at fractions of a sample that
/// differ from volume to volume.
struct Scan {
    starts: Vec<f64>,
    n_samples: usize,
    length: usize,
}

impl Scan {
    /// `period` samples from one volume to the next, and up to `jitter` samples on either side.
    fn new(n_volumes: usize, period: f64, jitter: f64) -> Self {
        let deviation = broadband(n_volumes, 99);
        let start =
            |volume: usize| 40.0 + volume as f64 * period + jitter * (deviation[volume] / 4e-6).clamp(-1.0, 1.0);
        let starts: Vec<f64> = (0..n_volumes).map(start).collect();
        let n_samples = 80 + (n_volumes as f64 * period) as usize;
        Self { starts, n_samples, length: period.ceil() as usize }
    }

    fn artifact(&self, scale: f64) -> Vec<f64> {
        let mut row = vec![0.0; self.n_samples];
        for start in &self.starts {
            let first = *start as usize;
            for (at, sample) in row.iter_mut().enumerate().skip(first).take(self.length + 10) {
                let t = at as f64 - start;
                let edge = |from: f64| ((t - from) / 1.2).tanh() - ((t - from - 6.0) / 1.2).tanh();
                let gradients =
                    (0..8).map(|slice| edge(10.0 + 11.3 * f64::from(slice)) * f64::from(1 - 2 * (slice % 2)));
                *sample += scale * 50e-6 * gradients.sum::<f64>();
            }
        }
        row
    }

    /// Two channels with background, and triggers at whole samples.
    fn recording(&self) -> (Recording, Vec<Vec<f64>>) {
        let background = vec![broadband(self.n_samples, 5), broadband(self.n_samples, 6)];
        let rows = background.iter().zip([1.0, -0.7]).map(|(background, scale)| {
            background.iter().zip(self.artifact(scale)).map(|(background, artifact)| background + artifact).collect()
        });
        let mut recording = recording_of(rows.collect(), self.length);
        let samples = self.starts.iter().map(|start| start.round() as i64).collect();
        let triggers = Triggers { samples, artifact_length: Some(self.length), ..Triggers::default() };
        recording.info_mut().triggers = Some(triggers);
        (recording, background)
    }
}

/// The deviation of what is left from the truth, in each channel, within the scan.
fn residual(recording: &Recording, truth: &[Vec<f64>]) -> Vec<f64> {
    let rms = |row: &[f64], truth: &[f64]| {
        let range = 60..row.len() - 60;
        let squares = range.clone().map(|at| (row[at] - truth[at]).powi(2));
        (squares.sum::<f64>() / range.len() as f64).sqrt()
    };
    rows_of(recording).iter().zip(truth).map(|(row, truth)| rms(row, truth)).collect()
}

#[test]
fn alignment_to_less_than_a_sample_leaves_a_fraction_of_what_whole_samples_leave() {
    for scan in [Scan::new(90, 110.37, 0.0), Scan::new(90, 110.0, 0.5), Scan::new(90, 110.0, 3.0)] {
        let left = |settings| {
            let (mut recording, truth) = scan.recording();
            run(&mut recording, &settings).unwrap();
            residual(&recording, &truth)
        };
        let whole = left(json!({ "correlation_threshold": 0.9, "search_window_factor": 0.5 }));
        let fine = left(json!({ "correlation_threshold": 0.9, "search_window_factor": 0.5, "subsample": true }));
        for channel in 0..2 {
            // The mean of 30 artifacts has a thirtieth of the background's power, whatever the alignment.
            assert!(fine[channel] < 0.25e-6, "channel {channel}: {fine:?}");
            assert!(fine[channel] < whole[channel] / 8.0, "channel {channel}: {fine:?} against {whole:?}");
        }
    }
}

#[test]
fn artifacts_that_are_far_from_their_triggers_are_found_and_then_aligned() {
    let scan = Scan::new(90, 120.0, 9.0);
    let (mut recording, truth) = scan.recording();
    let triggers = recording.info_mut().triggers.as_mut().unwrap();
    triggers.samples = (0..90).map(|volume| 40 + volume * 120).collect();
    run(&mut recording, &json!({ "search_window_factor": 1.2, "subsample": true })).unwrap();
    let left = residual(&recording, &truth);
    assert!(left.iter().all(|left| *left < 0.25e-6), "{left:?}");
}

#[test]
fn artifacts_without_a_pause_are_subtracted_once_and_everywhere() {
    let period = 110.37;
    let n_samples = 80 + (60.0 * period) as usize;
    let background = broadband(n_samples, 5);
    let artifact = |at: usize| 50e-6 * (std::f64::consts::TAU * (at as f64 - 40.0) / period).cos();
    let row: Vec<f64> = background.iter().enumerate().map(|(at, sample)| sample + artifact(at)).collect();
    for length in [110, 111] {
        let mut recording = recording_of(vec![row.clone()], length);
        let samples = (0..60).map(|volume| (40.0 + f64::from(volume) * period).round() as i64).collect();
        let triggers = Triggers { samples, artifact_length: Some(length), ..Triggers::default() };
        recording.info_mut().triggers = Some(triggers);
        run(&mut recording, &json!({ "subsample": true })).unwrap();
        let left = residual(&recording, std::slice::from_ref(&background));
        // A slow artifact says less about its timing, so a little more is left than of sharp ones.
        assert!(left[0] < 0.35e-6, "length {length}: {left:?}");
    }
}

#[test]
fn the_last_artifact_of_a_block_of_one_does_not_take_its_eeg_along() {
    let scan = Scan::new(31, 110.37, 0.0);
    let (mut recording, truth) = scan.recording();
    run(&mut recording, &json!({ "subsample": true })).unwrap();
    let last = scan.starts[30] as usize + 5..scan.n_samples - 50;
    let cut = |rows: &[Vec<f64>]| rows.iter().map(|row| row[last.clone()].to_vec()).collect::<Vec<_>>();
    let (after, truth) = (cut(&rows_of(&recording)), cut(&truth));
    for (after, truth) in after.iter().zip(&truth) {
        let squares: f64 = after.iter().zip(truth).map(|(after, truth)| (after - truth).powi(2)).sum();
        let left = (squares / after.len() as f64).sqrt();
        assert!(left < 0.3e-6, "{left:e} V are left of a background of 1e-6 V");
    }
}

#[test]
fn artifacts_that_both_ends_of_the_recording_cut_are_removed_too() {
    let scan = Scan::new(60, 110.37, 0.0);
    let (whole, truth) = scan.recording();
    let kept = 75..scan.n_samples - 85;
    let cut = |rows: Vec<Vec<f64>>| rows.iter().map(|row| row[kept.clone()].to_vec()).collect::<Vec<_>>();
    let mut recording = recording_of(cut(rows_of(&whole)), scan.length);
    let mut triggers = triggers_of(&whole).clone();
    triggers.samples.iter_mut().for_each(|sample| *sample -= 75);
    recording.info_mut().triggers = Some(triggers);
    run(&mut recording, &json!({ "subsample": true })).unwrap();
    for (row, truth) in rows_of(&recording).iter().zip(cut(truth)) {
        let worst = row.iter().zip(&truth).map(|(after, truth)| (after - truth).abs()).fold(0.0, f64::max);
        assert!(worst < 2e-6, "up to {worst:e} V of an artifact of 1e-4 V are left");
    }
    assert!(finding(&recording, 0, "epochs left out of every template").contains(&0.0));
}

#[test]
fn a_trigger_without_an_artifact_is_not_sent_to_the_edge_of_the_search() {
    let scan = Scan::new(90, 110.37, 0.0);
    let (recording, _) = scan.recording();
    let mut rows = rows_of(&recording);
    let missing = scan.starts[44] as usize..scan.starts[45] as usize;
    rows.iter_mut().for_each(|row| row[missing.clone()].copy_from_slice(&broadband(missing.len(), 77)));
    let triggers = recording.info().triggers.clone();
    let mut recording = recording_of(rows, scan.length);
    recording.info_mut().triggers = triggers;
    run(&mut recording, &json!({ "subsample": true })).unwrap();
    let shifts = finding(&recording, 0, "shifts of triggers");
    assert!(shifts.iter().all(|shift| shift.abs() < 4.0), "{shifts:?}");
    assert!(finding(&recording, 0, "epochs left out of every template") == [44.0]);
}

#[test]
fn the_fractions_that_are_found_are_the_true_ones() {
    let scan = Scan::new(90, 110.0, 0.5);
    let (mut recording, _) = scan.recording();
    run(&mut recording, &json!({ "subsample": true, "realign_after_averaging": false })).unwrap();
    let triggers = triggers_of(&recording);
    let fractions = triggers.fractions.as_ref().unwrap();
    assert!(fractions.iter().all(|fraction| fraction.abs() <= 0.5));
    let found = triggers.samples.iter().zip(fractions).map(|(sample, fraction)| *sample as f64 + fraction);
    let errors: Vec<f64> = found.zip(&scan.starts).map(|(found, start)| found - start).collect();
    // Where a template begins is a matter of definition, so all may be off by the same.
    let common = errors.iter().sum::<f64>() / errors.len() as f64;
    let worst = errors.iter().map(|error| (error - common).abs()).fold(0.0, f64::max);
    assert!(worst < 0.02, "off by up to {worst} samples");
}
