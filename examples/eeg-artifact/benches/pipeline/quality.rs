//! What is left of the artifact: ours beside the peers, on made recordings whose truth is known.
//!
//! Each side high-passes at 1 Hz and then removes the artifact; the truth is high-passed too. Residuals are measured over the volumes that
//! all sides correct: MNE leaves the first and last ones of its window as they are.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use eeg_artifact::quality::{Quality, Signals, TruthQuality};
use eeg_artifact::steps::{Aas, Highpass, Obs};
use eeg_artifact::synthetic::{Scene, SceneSettings};
use eeg_artifact::{Channel, ChannelKind, Pipeline, Recording, SerialExecutor, Step, Triggers};

use manyhands_test_support::figures::{median, verdict};

use crate::made;
use crate::options::{Options, work_folder};
use crate::ours;
use crate::peers;
use crate::spec::Spec;

const SFREQ_HZ: f64 = 1000.0;
const HIGHPASS_HZ: f64 = 1.0;
/// Volumes at both ends that are not measured.
const N_AT_ENDS: usize = 15;

const PLAIN: &str = "ours: AAS by FACETpy's rules";

/// A made recording, and what is known of it.
struct Case {
    name: &'static str,
    scene: Scene,
    spec: Spec,
    before: Vec<Vec<f64>>,
    truth: Vec<Vec<f64>>,
}

/// A side's figures: medians over channels, in dB but for the correlation.
#[derive(Debug, Clone, Copy)]
struct Figures {
    slice_residual_db: f64,
    volume_residual_db: f64,
    correlation: f64,
    snr_gain_db: f64,
}

/// The table of each case, and the bar.
pub(crate) fn compare(options: &Options) {
    for (name, settings) in cases() {
        let case = Case::make(name, settings);
        println!("### {name}\n");
        println!("| side | at slice harmonics dB | at volume harmonics dB | correlation | SNR gain dB |");
        println!("|------|-----------------------|------------------------|-------------|-------------|");
        let peers = peer_rows(options, &case);
        let ours = our_rows(&case);
        for (name, figures) in peers.iter().chain(&ours) {
            let Figures { slice_residual_db, volume_residual_db, correlation, snr_gain_db } = figures;
            println!(
                "| {name} | {slice_residual_db:.2} | {volume_residual_db:.2} | {correlation:.5} | {snr_gain_db:.2} |"
            );
        }
        print_bars(&peers, &ours);
    }
}

/// Jitter of less than a sample, drift of the clock and of strength, and movement; and the same with less of each.
fn cases() -> Vec<(&'static str, SceneSettings)> {
    let usual = SceneSettings { n_eeg: 6, sfreq_hz: SFREQ_HZ, ..SceneSettings::default() };
    vec![
        ("Jitter of 0.3 samples, drift, three movements", usual.clone()),
        (
            "Jitter of 0.5 samples, no movement",
            SceneSettings { clock_jitter_samples: 0.5, n_movements: 0, ..usual.clone() },
        ),
        (
            "No jitter, drift, one movement",
            SceneSettings { clock_jitter_samples: 0.0, n_movements: 1, seed: 2, ..usual },
        ),
    ]
}

impl Case {
    fn make(name: &'static str, settings: SceneSettings) -> Self {
        let scene = Scene::new(settings).expect("the settings are those of a recording");
        let input = work_folder().join("quality.f32");
        made::write(&scene, &input);
        let spec = Spec { lowpass: None, highpass: Some(HIGHPASS_HZ), realign: true, ..made::spec(&scene, input) };
        let n_eeg = scene.settings().n_eeg;
        let before = cleaned(&spec, ours::read(&spec), Vec::new());
        let truth = (0..n_eeg).map(|channel| scene.channel(channel).truth).collect::<Vec<_>>();
        let channels = (0..n_eeg).map(|idx| Channel::new(format!("E{idx}"), ChannelKind::Eeg)).collect();
        let truth = Recording::new(SFREQ_HZ, channels, truth).expect("it is a recording");
        let truth = cleaned(&spec, truth, Vec::new());
        Self { name, scene, spec, before, truth }
    }

    /// Medians over channels of a corrected recording.
    fn measure(&self, after: &[Vec<f64>]) -> Figures {
        assert_eq!(after.len(), self.before.len(), "{}: all channels are there", self.name);
        let slices = self.figures_of(after, &inner(self.scene.slice_triggers(), self.slices_at_ends()));
        let volumes = self.figures_of(after, &inner(self.scene.volume_triggers(), N_AT_ENDS));
        let middle = |of: fn(&TruthQuality) -> f64, figures: &[TruthQuality]| median(figures.iter().map(of).collect());
        Figures {
            slice_residual_db: middle(|figures| figures.residual_after_db, &slices),
            volume_residual_db: middle(|figures| figures.residual_after_db, &volumes),
            correlation: middle(|figures| figures.correlation_after, &volumes),
            snr_gain_db: middle(|figures| figures.snr_gain_db, &volumes),
        }
    }

    fn figures_of(&self, after: &[Vec<f64>], triggers: &Triggers) -> Vec<TruthQuality> {
        let figures = |channel: usize| {
            let (before, truth) = (&self.before[channel], &self.truth[channel]);
            let signals = Signals { before, after: &after[channel], truth: Some(truth) };
            let quality = Quality::measure(&signals, SFREQ_HZ, triggers).expect("the scan is long enough");
            quality.truth.expect("the truth was given")
        };
        (0..after.len()).map(figures).collect()
    }

    fn slices_at_ends(&self) -> usize {
        N_AT_ENDS * self.scene.settings().slices_per_volume
    }
}

/// The triggers without those at both ends.
fn inner(mut samples: Vec<i64>, n_at_ends: usize) -> Triggers {
    samples.truncate(samples.len().saturating_sub(n_at_ends));
    samples.drain(..n_at_ends.min(samples.len()));
    Triggers::from_samples(samples)
}

fn peer_rows(options: &Options, case: &Case) -> Vec<(String, Figures)> {
    let output = work_folder().join("quality.f64");
    let mut rows = Vec::new();
    let windows = |name: &str| if name.starts_with("MNE") { vec![(4, 4), (15, 15)] } else { vec![(4, 4)] };
    for (name, side) in [peers::facetpy(options), peers::mne(options)].into_iter().flatten() {
        for window in windows(name) {
            side.run(&Spec { output: Some(output.clone()), mne_window: window, ..case.spec.clone() });
            let what =
                if name.starts_with("MNE") { format!(", {} + {} volumes", window.0, window.1) } else { String::new() };
            rows.push((format!("{name}{what}"), case.measure(&read_rows(&output, case.spec.n_times))));
            fs::remove_file(&output).expect("it was written");
        }
    }
    rows
}

fn our_rows(case: &Case) -> Vec<(String, Figures)> {
    let aas = |change: fn(&mut Aas)| {
        let mut aas = Aas::default();
        change(&mut aas);
        Step::Aas(aas)
    };
    let subsample = || aas(|aas| aas.subsample = true);
    let sides = [
        (PLAIN, vec![aas(|_| {})]),
        ("ours: OBS", vec![Step::Obs(Obs::default())]),
        ("ours: OBS above 10 Hz", vec![Step::Obs(Obs { highpass: Some(10.0), ..Obs::default() })]),
        ("ours: sub-sample AAS", vec![subsample()]),
        ("ours: sub-sample AAS, then OBS", vec![subsample(), Step::Obs(Obs::default())]),
    ];
    let row = |(name, steps): (&str, Vec<Step>)| {
        let after = cleaned(&case.spec, ours::read(&case.spec), steps);
        (name.to_owned(), case.measure(&after))
    };
    sides.into_iter().map(row).collect()
}

fn print_bars(peers: &[(String, Figures)], ours: &[(String, Figures)]) {
    println!();
    let residual = |(_, figures): &(String, Figures)| figures.slice_residual_db;
    let best = peers.iter().map(residual).fold(f64::INFINITY, f64::min);
    // Our plain averaging is FACETpy's, number by number: it holds the bar where FACETpy is the better peer.
    for row in ours.iter().filter(|row| row.0 != PLAIN) {
        if best.is_finite() {
            let verdict = verdict(residual(row) <= best);
            println!(
                "- {}: {:.2} dB at slice harmonics, the better peer {best:.2} dB: {verdict}",
                row.0,
                residual(row)
            );
        }
    }
    println!();
}

/// The recording after the high-pass and these steps.
fn cleaned(spec: &Spec, mut recording: Recording, mut steps: Vec<Step>) -> Vec<Vec<f64>> {
    steps.insert(0, Step::Highpass(Highpass { freq: HIGHPASS_HZ }));
    Pipeline::new(steps).run(&mut recording, &SerialExecutor).expect("it can be cleaned");
    (0..spec.names.len()).map(|channel| recording.samples(channel).expect("the row is there")).collect()
}

fn read_rows(path: &Path, n_times: usize) -> Vec<Vec<f64>> {
    let mut bytes = Vec::new();
    BufReader::new(File::open(path).expect("it was written")).read_to_end(&mut bytes).expect("it can be read");
    let samples: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect();
    samples.chunks_exact(n_times).map(<[f64]>::to_vec).collect()
}
