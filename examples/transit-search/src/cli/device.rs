//! Where boxes are searched for: on the cores or on a graphics processor, by the flag or by a measured estimate.
//!
//! Promises: whatever is wrong with a device, the cores do the work, and one line says why; a run that is resumed goes on where it was
//! begun. Leaves to others: the search itself, and what a device that fails half-way costs.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use consumer_support::{Output, RunFolder};
use gpu::{Chosen, Device, DeviceChoice, DeviceSettings, GpuError, Ran, Trial};
use manyhands::journal::JournalReader;
use transit_search::{BoxSearcher, DeviceSearch, Extraction, PreparedSearch};

use super::Refusal;
use super::samples::Sample;

/// What the cores finish in less is not worth looking for a device, which alone takes about as long.
const WORTH_A_DEVICE: Duration = Duration::from_millis(500);

/// So many periods are measured on a core.
const PERIODS_ON_A_CORE: usize = 32;

/// So many are measured on a device: enough to keep it busy.
const PERIODS_ON_A_DEVICE: usize = 1024;

/// So many samples are measured in both places: few, as every long run pays for them.
const SAMPLES_MEASURED: usize = 2;

/// What takes longer is not measured again with warm caches.
const LONG: Duration = Duration::from_millis(100);

/// Where to search one light curve.
pub(super) fn for_periods(
    choice: DeviceChoice,
    prepared: &PreparedSearch,
    periods: &[f64],
    workers: NonZeroUsize,
) -> Chosen {
    let Some(n_on_core) = NonZeroUsize::new(periods.len().min(PERIODS_ON_A_CORE)) else { return cores() };
    let mut on_core = None;
    if choice == DeviceChoice::Auto {
        if !gpu::IS_BUILT {
            return cores();
        }
        let mut worker = prepared.worker();
        let part = spread(periods, n_on_core.get());
        let took = second_time(|| part.iter().for_each(|&period| _ = worker.fit(period)));
        if !is_worth_a_device(took, n_on_core.get(), periods.len(), workers) {
            return cores();
        }
        on_core = Some(took);
    }
    gpu::choose(choice, &DeviceSettings::default(), periods.len(), workers, |device| {
        let part = spread(periods, PERIODS_ON_A_DEVICE);
        let search = DeviceSearch::new(device)?;
        search.run(prepared, &part)?;
        let begun = Instant::now();
        search.run(prepared, &part)?;
        let device = begun.elapsed();
        let core = on_core.unwrap_or_default().mul_f64(part.len() as f64 / n_on_core.get() as f64);
        Ok(Trial { n_items: NonZeroUsize::new(part.len()).unwrap_or(n_on_core), core, device })
    })
}

/// Where to search many light curves. Those that cannot be read are not measured.
pub(super) fn for_samples(
    choice: DeviceChoice,
    samples: &[Sample],
    extraction: &Extraction,
    workers: NonZeroUsize,
) -> Chosen {
    if !extraction.with_search || (choice == DeviceChoice::Auto && !gpu::IS_BUILT) {
        return cores();
    }
    if choice != DeviceChoice::Auto {
        return gpu::choose(choice, &DeviceSettings::default(), samples.len(), workers, |_| Err(GpuError::NotBuilt));
    }
    // Transit least squares take the same time in either place, and many times as long as all the rest.
    let extraction = Extraction { with_least_squares: false, ..*extraction };
    let part = spread(samples, SAMPLES_MEASURED);
    let curves: Vec<_> = part.iter().filter_map(|sample| sample.read().ok()).collect();
    let Some(n_items) = NonZeroUsize::new(curves.len()) else { return cores() };
    let extract = |searcher: &mut BoxSearcher| {
        let searches = curves.iter().map(|(curve, catalogue)| extraction.features_by(searcher, curve, catalogue));
        searches.flatten().find_map(|(_, by)| by.fault)
    };
    let mut on_cores = BoxSearcher::on_cores();
    let core = second_time(|| drop(extract(&mut on_cores)));
    if !is_worth_a_device(core, n_items.get(), samples.len(), workers) {
        return cores();
    }
    gpu::choose(choice, &DeviceSettings::default(), samples.len(), workers, |device| {
        let mut searcher = BoxSearcher::anywhere(Ok(device.clone()));
        let mut on_device = || extract(&mut searcher).map_or(Ok(()), Err);
        on_device()?;
        let begun = Instant::now();
        on_device()?;
        Ok(Trial { n_items, core, device: begun.elapsed() })
    })
}

/// Where a run goes on: where it was begun, or nowhere.
///
/// # Errors
/// The run was begun on something else than what it would go on with.
pub(super) fn for_resumed(
    choice: DeviceChoice,
    out: &Path,
    choose: impl FnOnce(DeviceChoice) -> Chosen,
) -> Result<Chosen, Refusal> {
    let Some(begun) = begun_on(out) else { return Ok(choose(choice)) };
    let choice = match choice {
        DeviceChoice::Auto if begun == Ran::Cpu.to_string() => DeviceChoice::Cpu,
        DeviceChoice::Auto => DeviceChoice::Gpu,
        given => given,
    };
    let chosen = choose(choice);
    let now = chosen.ran().to_string();
    if now == begun {
        return Ok(chosen);
    }
    let why = chosen.note.map_or(String::new(), |note| format!(" ({note})"));
    let flag = if begun == Ran::Cpu.to_string() { "cpu" } else { "gpu" };
    Err(format!(
        "the run in {} was begun on {begun}, and would go on on {now}{why}\n\
         to go on with it, give --device {flag} where {begun} is; to begin anew, name another folder with --out",
        out.display()
    ))
}

/// What the journal of a run says of its device; `None` where nothing was begun.
fn begun_on(out: &Path) -> Option<String> {
    let journal = RunFolder::in_results(out).journal();
    let status =
        JournalReader::open(journal).and_then(|reader| reader.status()).ok().filter(|status| status.runs > 0)?;
    let configuration: serde_json::Value = serde_json::from_str(&status.configuration).ok()?;
    Some(configuration["device"].as_str().map_or(Ran::Cpu.to_string(), str::to_owned))
}

/// Warns where a device was requested and there is none.
pub(super) fn warn(choice: DeviceChoice, chosen: &Chosen, output: &Output) {
    if let (DeviceChoice::Gpu, Some(note)) = (choice, &chosen.note) {
        output.warning(note);
    }
}

/// What searched, and why there where that was measured.
pub(super) fn summary(choice: DeviceChoice, ran: &str, note: Option<&str>) -> String {
    match note {
        Some(note) if choice == DeviceChoice::Auto => format!("{ran}; {note}"),
        _ => ran.to_owned(),
    }
}

/// What a worker searches with: a device of its own, found once.
pub(super) fn searcher(is_device: bool) -> BoxSearcher {
    if is_device { BoxSearcher::anywhere(Device::find()) } else { BoxSearcher::on_cores() }
}

fn cores() -> Chosen {
    Chosen { device: None, note: None }
}

fn is_worth_a_device(took: Duration, n_measured: usize, n_items: usize, workers: NonZeroUsize) -> bool {
    took.mul_f64(n_items as f64 / n_measured as f64 / workers.get() as f64) >= WORTH_A_DEVICE
}

/// How long it takes when caches are warm.
fn second_time(mut act: impl FnMut()) -> Duration {
    let mut timed = || {
        let begun = Instant::now();
        act();
        begun.elapsed()
    };
    let first = timed();
    if first > LONG { first } else { timed() }
}

/// At most so many, from all over the list.
fn spread<T: Clone>(values: &[T], count: usize) -> Vec<T> {
    let stride = values.len().div_ceil(count).max(1);
    values.iter().step_by(stride).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_work_looks_for_no_device() {
        let two = NonZeroUsize::new(2).unwrap();
        let took = Duration::from_millis(10);
        assert!(!is_worth_a_device(took, 4, 200, two));
        assert!(is_worth_a_device(took, 4, 400, two));
    }

    #[test]
    fn a_part_comes_from_all_over_the_list() {
        assert_eq!(spread(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 4), [0, 3, 6]);
        assert_eq!(spread(&[0, 1], 4), [0, 1]);
        assert!(spread::<u8>(&[], 4).is_empty());
    }
}
