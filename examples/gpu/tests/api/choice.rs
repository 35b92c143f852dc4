//! From what a user asked for to where the work goes.

use std::num::NonZeroUsize;
use std::time::Duration;

use gpu::{Backend, DeviceChoice, DeviceSettings, GpuError, Ran, Trial, choose};

use crate::shared::device;

fn trial(core_ms: u64, device_ms: u64) -> Trial {
    let [core, device] = [core_ms, device_ms].map(Duration::from_millis);
    Trial { n_items: NonZeroUsize::MIN, core, device }
}

#[test]
fn a_device_that_was_asked_for_is_taken_without_a_trial() {
    let Some(device) = device() else { return };
    let chosen = choose(DeviceChoice::Gpu, &DeviceSettings::default(), 9, NonZeroUsize::MIN, |_| unreachable!());
    assert_eq!(chosen.ran(), Ran::Gpu { name: device.name().to_owned() });
    assert_eq!(chosen.note, None);
}

#[test]
fn auto_goes_by_the_trial_and_says_so() {
    let Some(device) = device() else { return };
    let auto = |trial: Result<Trial, GpuError>| {
        choose(DeviceChoice::Auto, &DeviceSettings::default(), 9, NonZeroUsize::MIN, |_| trial)
    };
    let slower = auto(Ok(trial(10, 20)));
    assert_eq!(slower.ran(), Ran::Cpu);
    assert!(slower.note.unwrap().ends_with("would take 2.0 times as long as 1 worker (180 ms, not 90 ms): cpu"));
    let faster = auto(Ok(trial(20, 10)));
    assert_eq!(faster.ran(), Ran::Gpu { name: device.name().to_owned() });
    assert!(faster.note.unwrap().ends_with(": gpu"));
    let lost = auto(Err(GpuError::Lost { name: "card".to_owned(), reason: "reset".to_owned() }));
    assert_eq!(lost.ran(), Ran::Cpu);
    assert_eq!(lost.note.unwrap(), "computing on the cores: the graphics processor card was lost: reset");
}

#[test]
fn a_device_that_is_not_there_is_the_cores_and_a_line() {
    let absent = if cfg!(target_vendor = "apple") { Backend::Dx12 } else { Backend::Metal };
    let settings = DeviceSettings { backend: absent, ..DeviceSettings::default() };
    for choice in [DeviceChoice::Gpu, DeviceChoice::Auto] {
        let chosen = choose(choice, &settings, 9, NonZeroUsize::MIN, |_| unreachable!());
        assert_eq!(chosen.ran(), Ran::Cpu);
        assert!(chosen.note.unwrap().starts_with("computing on the cores: no graphics processor was found"));
    }
}
