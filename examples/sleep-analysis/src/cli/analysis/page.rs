//! The content of the page: the summary, everything that is missing by name, the pictures, the files.

use sleep_analysis::pictures::{Fact, Figure, Link, Page, Warning};

use super::Night;
use super::features::NightFeatures;
use super::night_folder::NightFolder;
use super::remarks::{Remark, Remarks};
use super::summary::Summary;
use super::text::{clock, count, duration, number};

pub(crate) fn page<'a>(
    night: &'a Night,
    features: &'a NightFeatures,
    summary: &Summary,
    subtitle: &'a str,
    figures: Vec<Figure>,
    out: &NightFolder,
) -> Page<'a> {
    let mut computed = features.computed.clone();
    computed.push(aligned(summary));
    Page {
        title: &night.title,
        subtitle,
        computed,
        warnings: warnings(&night.remarks),
        facts: facts(summary),
        figures,
        features: Some(&features.table),
        files: files(out),
    }
}

/// The line below the title.
pub(crate) fn subtitle(summary: &Summary) -> String {
    let (input, counts) = (&summary.input, &summary.counts);
    format!(
        "{}, {}, {}, {} of {}",
        clock(input.start_ns),
        duration(input.duration_s),
        count(counts.signals, "signal"),
        count(counts.epochs, "epoch"),
        duration(summary.epoch_s)
    )
}

fn aligned(summary: &Summary) -> String {
    let (alignment, counts) = (&summary.alignment, &summary.counts);
    format!(
        "{} on one grid of {} Hz ({}): {}",
        count(counts.aligned_signals, "signal"),
        number(alignment.rate_hz),
        alignment.method,
        alignment.why_this_rate
    )
}

fn warnings(remarks: &Remarks) -> Vec<Warning> {
    let warning = |remark: Remark| Warning { subject: remark.subject, reason: remark.reason };
    remarks.lost().chain(remarks.noted()).map(warning).collect()
}

fn facts(summary: &Summary) -> Vec<Fact> {
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let counts = &summary.counts;
    let mut facts = vec![
        fact("Epochs", counts.epochs.to_string()),
        fact("Features per epoch", counts.features.to_string()),
        fact("Failed epochs", counts.failed_epochs.to_string()),
        fact("Left out", counts.left_out.to_string()),
        fact("Aligned rows", counts.aligned_rows.to_string()),
        fact("Aligned columns", counts.aligned_columns.to_string()),
        fact("Mode, workers", format!("{}, {}", summary.mode, summary.workers)),
        fact("Spectra computed on", summary.device.clone()),
        fact("Cache entries", summary.cache.entries.to_string()),
        fact("Cache hits, misses", format!("{}, {}", summary.cache.hits, summary.cache.misses)),
        fact("Cache hit rate", format!("{:.0} %", summary.cache.hit_rate)),
    ];
    facts.extend(summary.device_measured.iter().map(|sentence| fact("Device, measured", sentence.clone())));
    facts.extend(
        summary.seconds.0.iter().map(|(step, seconds)| fact(&format!("Seconds, {step}"), format!("{seconds:.2}"))),
    );
    facts
}

fn files(out: &NightFolder) -> Vec<Link> {
    let summary = Link { path: "summary.json".into(), about: "this page's numbers, for programs".into() };
    out.written().iter().cloned().chain([summary]).collect()
}
