//! Where boxes are searched for: on the cores or on a graphics processor, by the flag or by a measured estimate.
//!
//! Promises: whatever is wrong with a device, the cores do the work, and one line says why; a run that is resumed goes on where it was
//! begun. Leaves to others: the search itself, and what a device that fails half-way costs.

use std::num::NonZeroUsize;
use std::path::Path;

use consumer_support::{Output, RunFolder};
use gpu::{Chosen, Device, DeviceChoice, Ran, Timed, Work};
use manyhands::journal::JournalReader;
use transit_search::{BoxSearcher, DeviceSearch, Extraction, PreparedSearch};

use super::Refusal;
use super::samples::Sample;

/// So many periods are measured on a core.
const PERIODS_ON_A_CORE: usize = 32;

/// So many are measured on a device: enough to keep it busy.
const PERIODS_ON_A_DEVICE: usize = 1024;

/// So many samples are measured in both places: few, as every long run pays for them.
const SAMPLES_MEASURED: usize = 2;

/// Where to search one light curve.
pub(super) fn for_periods(
    choice: DeviceChoice,
    prepared: &PreparedSearch,
    periods: &[f64],
    workers: NonZeroUsize,
) -> Chosen {
    let on_core = || {
        let (part, mut worker) = (spread(periods, PERIODS_ON_A_CORE), prepared.worker());
        let fit = || part.iter().for_each(|&period| _ = worker.fit(period));
        NonZeroUsize::new(part.len()).map(|n_items| Timed::on_core(n_items, fit))
    };
    let on_device = |device: &Device| {
        let (part, search) = (spread(periods, PERIODS_ON_A_DEVICE), DeviceSearch::new(device)?);
        Timed::on_device(some(part.len()), || search.run(prepared, &part).map(drop))
    };
    gpu::choose(choice, Work { n_items: periods.len(), workers }, Device::of_process, on_core, on_device)
}

/// Where to search many light curves. Those that cannot be read are not measured.
pub(super) fn for_samples(
    choice: DeviceChoice,
    samples: &[Sample],
    extraction: &Extraction,
    workers: NonZeroUsize,
) -> Chosen {
    if !extraction.with_search {
        return Chosen::cores();
    }
    let is_timed = choice == DeviceChoice::Auto && gpu::IS_BUILT;
    let part = if is_timed { spread(samples, SAMPLES_MEASURED) } else { Vec::new() };
    let curves: Vec<_> = part.iter().filter_map(|sample| sample.read().ok()).collect();
    // Transit least squares take the same time in either place, and many times as long as all the rest.
    let extraction = Extraction { with_least_squares: false, ..*extraction };
    let extract = |searcher: &mut BoxSearcher| {
        let searches = curves.iter().map(|(curve, catalogue)| extraction.features_by(searcher, curve, catalogue));
        searches.flatten().find_map(|(_, by)| by.fault)
    };
    let on_core = || {
        let mut on_cores = BoxSearcher::on_cores();
        NonZeroUsize::new(curves.len()).map(|n_items| Timed::on_core(n_items, || drop(extract(&mut on_cores))))
    };
    let on_device = |device: &Device| {
        let mut searcher = BoxSearcher::anywhere(Ok(device.clone()));
        Timed::on_device(some(curves.len()), || extract(&mut searcher).map_or(Ok(()), Err))
    };
    gpu::choose(choice, Work { n_items: samples.len(), workers }, Device::of_process, on_core, on_device)
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
    let why = chosen.fell_back.map_or(String::new(), |note| format!(" ({note})"));
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

/// Warns where the cores do what a device was to do.
pub(super) fn warn(chosen: &Chosen, output: &Output) {
    if let Some(note) = &chosen.fell_back {
        output.warning(note);
    }
}

/// What searched, and why there where that was measured.
pub(super) fn summary(ran: &str, measured: Option<&str>) -> String {
    measured.map_or(ran.to_owned(), |measured| format!("{ran}; {measured}"))
}

/// What a worker searches with: the cores, or the device of its process.
pub(super) fn searcher(is_device: bool) -> BoxSearcher {
    if is_device { BoxSearcher::anywhere(Device::of_process()) } else { BoxSearcher::on_cores() }
}

/// A number of items that were there when a core was timed.
fn some(n_items: usize) -> NonZeroUsize {
    NonZeroUsize::new(n_items).unwrap_or(NonZeroUsize::MIN)
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
    fn a_part_comes_from_all_over_the_list() {
        assert_eq!(spread(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 4), [0, 3, 6]);
        assert_eq!(spread(&[0, 1], 4), [0, 1]);
        assert!(spread::<u8>(&[], 4).is_empty());
    }
}
