//! The page of one recording: which pictures it has, and from which numbers.

use std::ops::Range;

use eeg_artifact::files::FileKind;
use eeg_artifact::pictures::{
    ChannelEpochs, ChannelSignals, ChannelSpectra, ChannelTemplate, Fact, Figure, Fundamental, LeftOutPicture, Link,
    NumberTable, RecordingPage, SignalPicture, SpectrumPicture, TemplatePicture, Trace, TriggerPicture, Warning,
    figure,
};
use eeg_artifact::{Info, Processor, Recording, Triggers};

use super::REPORT;
use super::report::{QualityReport, Report};
use super::shown::{ShownChannel, corrects_artifacts};

/// How many artifacts are shown before and after.
const SHOWN_ARTIFACTS: usize = 3;
/// How many seconds are shown at most.
const MOST_SECONDS: f64 = 5.0;
/// Where the picture of the spectrum ends, in Hz.
const SPECTRUM_LIMIT_HZ: f64 = 150.0;

/// The page as HTML.
///
/// # Errors
/// A message when a row cannot be read.
pub(super) fn html(
    report: &Report,
    recording: &Recording,
    shown: &[ShownChannel],
    format: FileKind,
) -> Result<String, String> {
    let info = recording.info();
    let triggers = info.triggers.as_ref();
    let mut figures = Vec::new();
    if !shown.is_empty() {
        figures.push(signals(info, shown, corrects_artifacts(&report.steps)));
        figures.extend(spectra(shown, triggers));
    }
    figures.extend(templates(report, info, shown));
    figures.extend(triggers.map(|triggers| trigger_shifts(report, info, triggers)));
    figures.extend(triggers.and_then(|triggers| left_out(report, triggers.samples.len())));
    let warning = |reason: &String| Warning { subject: report.recording.clone(), reason: reason.clone() };
    let subtitle = subtitle(info);
    let page = RecordingPage {
        title: &report.recording,
        subtitle: &subtitle,
        computed: report.steps.iter().map(step_sentence).collect(),
        warnings: report.warnings.iter().map(warning).collect(),
        facts: facts(report),
        figures,
        tables: tables(report),
        files: vec![
            link(format, triggers.is_some()),
            Link { path: REPORT.to_owned(), about: "all numbers of this page".to_owned() },
        ],
    };
    Ok(page.to_html())
}

fn subtitle(info: &Info) -> String {
    let minutes = info.n_samples as f64 / info.sfreq_hz / 60.0;
    let n_bad = info.channels.iter().filter(|channel| channel.is_bad).count();
    let bad = if n_bad > 0 { format!(" ({n_bad} bad)") } else { String::new() };
    format!("{} channels{bad}, {minutes:.2} min at {} Hz", info.channels.len(), info.sfreq_hz)
}

/// The step with its settings, as JSON has them.
fn step_sentence(step: &eeg_artifact::Step) -> String {
    let settings = serde_json::to_value(step).ok().and_then(|value| value.get(step.name()).cloned());
    let pairs = settings.as_ref().and_then(|settings| settings.as_object()).into_iter().flatten();
    let pairs = pairs.filter(|(_, value)| !value.is_null()).map(|(name, value)| format!("{name} {value}"));
    let pairs: Vec<String> = pairs.collect();
    if pairs.is_empty() { step.name().to_owned() } else { format!("{}: {}", step.name(), pairs.join(", ")) }
}

fn link(format: FileKind, has_triggers: bool) -> Link {
    let path = format.path(std::path::Path::new("cleaned")).display().to_string();
    let triggers = if has_triggers { ", with triggers as annotations" } else { "" };
    Link { path, about: format!("the cleaned recording{triggers}") }
}

/// A stretch in the middle of the scan, or of the recording where there are no triggers.
fn signals(info: &Info, shown: &[ShownChannel], corrects_artifacts: bool) -> Figure {
    let range = stretch(info);
    let start_s = info.start_s + range.start as f64 / info.sfreq_hz;
    fn trace<'a>(row: &'a [f64], range: &Range<usize>, sfreq: f64, start_s: f64) -> Trace<'a> {
        let end = range.end.min(row.len());
        Trace { samples: &row[range.start.min(end)..end], sfreq, start_s }
    }
    let trace = |row| trace(row, &range, info.sfreq_hz, start_s);
    let channels = shown.iter().map(|channel| ChannelSignals {
        name: &channel.name,
        before: trace(&channel.before),
        after: trace(&channel.after),
        truth: channel.truth.as_deref().map(trace),
    });
    let seconds = |sample: &i64| info.start_s + *sample as f64 / info.sfreq_hz;
    let triggers_s: Vec<f64> = info.triggers.iter().flat_map(|triggers| triggers.samples.iter().map(seconds)).collect();
    let picture = SignalPicture { title: "Before and after", channels: channels.collect(), triggers_s: &triggers_s };
    let of = if triggers_s.is_empty() { "recording" } else { "scan" };
    let before =
        if corrects_artifacts { "through the same filters, without correction of artifacts" } else { "as it was read" };
    let caption = &format!("A stretch from the middle of the {of}, each on its own scale. Before: {before}.");
    figure(picture.title, caption, Vec::new(), |layout| picture.draw(layout))
}

fn stretch(info: &Info) -> Range<usize> {
    let most = (MOST_SECONDS * info.sfreq_hz) as usize;
    let samples = info.triggers.as_ref().map(|triggers| triggers.samples.as_slice()).unwrap_or_default();
    let middle = samples.len().saturating_sub(SHOWN_ARTIFACTS) / 2;
    let at = |idx: usize| samples.get(idx).map(|sample| (*sample).clamp(0, info.n_samples as i64) as usize);
    let start = at(middle).unwrap_or(info.n_samples / 2);
    let end = at(middle + SHOWN_ARTIFACTS).unwrap_or(info.n_samples);
    start..end.clamp(start, start.saturating_add(most)).min(info.n_samples)
}

fn spectra(shown: &[ShownChannel], triggers: Option<&Triggers>) -> Option<Figure> {
    let measured: Vec<_> = shown.iter().filter_map(|one| Some((&one.name, one.quality.as_ref().ok()?))).collect();
    let (_, first) = measured.first()?;
    let frequencies: Vec<f64> =
        (0..first.spectrum_after.power.len()).map(|bin| first.spectrum_after.frequency_hz(bin)).collect();
    let channels = measured.iter().map(|(name, quality)| ChannelSpectra {
        name,
        before: &quality.spectrum_before.power,
        after: &quality.spectrum_after.power,
        truth: quality.spectrum_truth.as_ref().map(|spectrum| spectrum.power.as_slice()),
    });
    let name = if triggers.is_some_and(|triggers| triggers.volume_gaps) { "slice" } else { "trigger" };
    let picture = SpectrumPicture {
        title: "Spectrum",
        frequencies_hz: &frequencies,
        limit_hz: SPECTRUM_LIMIT_HZ,
        channels: channels.collect(),
        fundamental: Some(Fundamental { name, frequency_hz: first.fundamental_hz }),
    };
    let caption = "The artifact has its power at the multiples of the frequency of the triggers, its harmonics. Marks above each panel \
                   show where they are.";
    Some(figure(picture.title, caption, Vec::new(), |layout| picture.draw(layout)))
}

fn templates(report: &Report, info: &Info, shown: &[ShownChannel]) -> Option<Figure> {
    let channels = shown.iter().filter_map(|channel| {
        let finding = |what| report.finding(&channel.name, what);
        let n_epochs = finding("epochs in the first block's template")?.first().copied()? as usize;
        let (mean, spread) = (finding("template of the first block")?, finding("spread of the first block")?);
        Some(ChannelTemplate { name: &channel.name, mean, spread, n_epochs })
    });
    let channels: Vec<_> = channels.collect();
    if channels.is_empty() {
        return None;
    }
    let start_s = info.artifact_offset_s;
    let picture = TemplatePicture { title: "Template", sfreq: info.sfreq_hz, start_s, channels };
    let caption = "The mean artifact of the first block of epochs, as the step aas found it, and how far these differ from it: one \
         standard deviation.";
    Some(figure(picture.title, caption, Vec::new(), |layout| picture.draw(layout)))
}

fn trigger_shifts(report: &Report, info: &Info, triggers: &Triggers) -> Figure {
    let gaps = triggers.gaps();
    let shifts = report.any_finding("shifts of triggers").unwrap_or_default();
    // A later step may have dropped some.
    let shifts = if shifts.len() == triggers.samples.len() { shifts } else { &[] };
    let picture =
        TriggerPicture { title: "Triggers", sfreq: info.sfreq_hz, samples: &triggers.samples, shifts, gaps: &gaps };
    let caption = "How far alignment has moved each trigger, and how far apart they are.";
    figure(picture.title, caption, Vec::new(), |layout| picture.draw(layout))
}

fn left_out(report: &Report, n_epochs: usize) -> Option<Figure> {
    const WHAT: &str = "epochs left out of every template";
    let flags = report.channels.iter().filter_map(|channel| {
        let left_out = report.finding(&channel.name, WHAT)?;
        let mut flags = vec![false; n_epochs];
        left_out.iter().for_each(|epoch| {
            if let Some(flag) = flags.get_mut(*epoch as usize) {
                *flag = true;
            }
        });
        Some((channel.name.as_str(), flags))
    });
    let flags: Vec<(&str, Vec<bool>)> = flags.collect();
    if flags.is_empty() {
        return None;
    }
    let channels = flags.iter().map(|(name, left_out)| ChannelEpochs { name, left_out }).collect();
    let picture = LeftOutPicture { title: "Epochs left out of templates", channels };
    let caption = "Dark: the epoch is unlike the others, so no template holds it. The template of its block is subtracted from it \
                   all the same.";
    Some(figure(picture.title, caption, Vec::new(), |layout| picture.draw(layout)))
}

fn facts(report: &Report) -> Vec<Fact> {
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let mut facts = Vec::new();
    if let Some(triggers) = &report.triggers {
        let length = triggers
            .artifact_length
            .map_or("unknown".to_owned(), |length| format!("{:.1} ms", length as f64 / report.sfreq_hz * 1e3));
        facts.extend([fact("Triggers", triggers.n.to_string()), fact("Artifact length", length)]);
    }
    if report.quality.is_empty() {
        return facts;
    }
    let decibel = |value: f64| format!("{value:.1} dB").replace('-', "\u{2212}");
    facts.extend([
        fact("Measured in", measured_in(report)),
        fact("At harmonics before", decibel(report.mean(|one| one.before_db))),
        fact("At harmonics after", decibel(report.mean(|one| one.after_db))),
        fact("RMS before", format!("{:.1} \u{b5}V", report.mean(|one| one.rms_before_uv))),
        fact("RMS after", format!("{:.1} \u{b5}V", report.mean(|one| one.rms_after_uv))),
    ]);
    if report.quality.iter().all(|one| one.truth.is_some()) {
        let truth = |value: fn(&eeg_artifact::quality::TruthQuality) -> f64| {
            report.mean(|one| one.truth.as_ref().map_or(f64::NAN, value))
        };
        facts.extend([
            fact("Correlation", format!("{:.4}", truth(|truth| truth.correlation_after))),
            fact("SNR gain", decibel(truth(|truth| truth.snr_gain_db))),
            fact("Residual", decibel(truth(|truth| truth.residual_after_db))),
        ]);
    }
    facts
}

fn measured_in(report: &Report) -> String {
    let names: Vec<&str> = report.quality.iter().map(|one| one.channel.as_str()).collect();
    names.join(", ")
}

/// What the columns mean.
fn meaning(has_truth: bool) -> String {
    let mut meaning = "The quality above is the mean of these channels; before and after are both through the filters. At \
                       harmonics: the power at the harmonics of the triggers over that of the neighbouring frequencies, 0 dB \
                       where nothing stands out."
        .to_owned();
    if has_truth {
        meaning += " Residual: the power at the harmonics of what differs from the truth, over the truth's own power there. \
                    Correlation: with the truth, after. SNR gain: how much nearer to the truth the signal has come.";
    }
    meaning
}

fn tables(report: &Report) -> Vec<NumberTable> {
    if report.quality.is_empty() {
        return Vec::new();
    }
    let mut columns = vec!["at harmonics before, dB", "after, dB", "RMS before, \u{b5}V", "RMS after, \u{b5}V"];
    let has_truth = report.quality.iter().any(|one| one.truth.is_some());
    if has_truth {
        columns.extend(["residual after, dB", "correlation", "SNR gain, dB"]);
    }
    let row = |one: &QualityReport| {
        let mut numbers = vec![one.before_db, one.after_db, one.rms_before_uv, one.rms_after_uv];
        if let Some(truth) = &one.truth {
            numbers.extend([truth.residual_after_db, truth.correlation_after, truth.snr_gain_db]);
        }
        (one.channel.clone(), numbers)
    };
    vec![NumberTable {
        heading: "Quality by channel".to_owned(),
        about: meaning(has_truth),
        row_name: "channel".to_owned(),
        columns: columns.into_iter().map(str::to_owned).collect(),
        rows: report.quality.iter().map(row).collect(),
    }]
}
