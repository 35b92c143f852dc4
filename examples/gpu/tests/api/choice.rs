//! From what a user asked for to where the work goes.

use std::num::NonZeroUsize;
use std::time::Duration;

use gpu::{Backend, Chosen, Device, DeviceChoice, DeviceSettings, GpuError, Ran, Timed, Work, choose};

use crate::shared::device;

const WORK: Work = Work { n_items: 90, workers: NonZeroUsize::MIN };

/// One item, in so many milliseconds.
fn timed(ms: u64) -> Timed {
    Timed { n_items: NonZeroUsize::MIN, took: Duration::from_millis(ms) }
}

fn unlooked_for() -> Result<Device, GpuError> {
    panic!("a device was looked for")
}

#[test]
fn a_device_that_was_asked_for_is_taken_without_a_trial() {
    let Some(device) = device() else { return };
    let chosen = choose(DeviceChoice::Gpu, WORK, Device::find, || unreachable!(), |_| unreachable!());
    assert_eq!(chosen.ran(), Ran::Gpu { name: device.name().to_owned() });
    assert_eq!((chosen.measured, chosen.fell_back), (None, None));
}

#[test]
fn auto_goes_by_the_trial_and_says_so() {
    let Some(device) = device() else { return };
    let auto = |core, trial: Result<Timed, GpuError>| {
        choose(DeviceChoice::Auto, WORK, Device::find, || Some(timed(core)), |_| trial)
    };
    let slower = auto(10, Ok(timed(20)));
    assert_eq!((slower.ran(), slower.fell_back), (Ran::Cpu, None));
    assert!(slower.measured.unwrap().ends_with("would take 2.0 times as long as 1 worker (1.8 s, not 900 ms): cpu"));
    let faster = auto(20, Ok(timed(10)));
    assert_eq!(faster.ran(), Ran::Gpu { name: device.name().to_owned() });
    assert!(faster.measured.unwrap().ends_with(": gpu"));
    let lost = auto(20, Err(GpuError::Lost { name: "card".to_owned(), reason: "reset".to_owned() }));
    assert_eq!((lost.ran(), lost.measured), (Ran::Cpu, None));
    assert_eq!(lost.fell_back.unwrap(), "computing on the cores: the graphics processor card was lost: reset");
}

#[test]
fn auto_looks_for_no_device_for_little_work_or_where_nothing_can_be_timed() {
    for core in [None, Some(timed(5))] {
        let chosen = choose(DeviceChoice::Auto, WORK, unlooked_for, || core, |_| unreachable!());
        assert_eq!((chosen.ran(), chosen.measured, chosen.fell_back), (Ran::Cpu, None, None));
    }
    let of_many = Work { workers: NonZeroUsize::new(4).unwrap(), ..WORK };
    let chosen = choose(DeviceChoice::Auto, of_many, unlooked_for, || Some(timed(20)), |_| unreachable!());
    assert_eq!(chosen.ran(), Ran::Cpu, "four workers need 450 ms");
}

#[test]
fn the_cores_are_taken_without_timing_or_looking_for_anything() {
    let Chosen { device, measured, fell_back } =
        choose(DeviceChoice::Cpu, WORK, unlooked_for, || unreachable!(), |_| unreachable!());
    assert!(device.is_none() && measured.is_none() && fell_back.is_none());
}

#[test]
fn a_device_that_is_not_there_is_the_cores_and_a_line() {
    let absent = if cfg!(target_vendor = "apple") { Backend::Dx12 } else { Backend::Metal };
    let settings = DeviceSettings { backend: absent, ..DeviceSettings::default() };
    for choice in [DeviceChoice::Gpu, DeviceChoice::Auto] {
        let find = || Device::find_with(&settings);
        let chosen = choose(choice, WORK, find, || Some(timed(20)), |_| unreachable!());
        assert_eq!((chosen.ran(), chosen.measured), (Ran::Cpu, None));
        assert!(chosen.fell_back.unwrap().starts_with("computing on the cores: no graphics processor was found"));
    }
}
