//! Devices that are absent, lost, or too small: each an error, none a panic, and nothing hangs.

use std::process::Command;

use gpu::{Device, DeviceSettings, GpuError, WelchShape};

use crate::shared::{device, device_with};

#[test]
fn a_device_lost_between_two_runs_is_an_error_of_the_second() {
    let Some(device) = device() else { return };
    let trace: &[f64] = &[1.0, -1.0, 2.0];
    let mut batch = device.trace_summaries(3).unwrap();
    batch.run(&[trace]).unwrap();
    device.lose();
    assert!(matches!(batch.run(&[trace]), Err(GpuError::Lost { .. })));
    assert!(matches!(device.trace_summaries(3), Err(GpuError::Lost { .. })));
    assert!(Device::find().is_ok(), "the next search finds a new device");
}

#[test]
fn a_lost_device_computes_no_densities() {
    let Some(device) = device() else { return };
    let shape = WelchShape { n_samples: 4, segment_len: 2, hop: 1, window: vec![1.0; 2], scale: 1.0 };
    let mut batch = device.welch(&shape).unwrap();
    device.lose();
    assert!(matches!(batch.densities(&[&[1.0, 2.0, 3.0, 4.0]]), Err(GpuError::Lost { .. })));
}

#[test]
fn an_item_beyond_the_memory_limit_is_too_large_and_a_smaller_one_still_fits() {
    let settings = DeviceSettings { memory_limit: Some(100_000), ..DeviceSettings::default() };
    let Some(device) = device_with(&settings) else { return };
    let refused = device.trace_summaries(1_000_000).unwrap_err();
    assert!(matches!(refused, GpuError::TooLarge { needed: 4_000_000, .. }), "{refused}");
    let refused = device.trace_summaries(20_000).map(|mut batch| batch.run(&[&vec![0.0; 20_000]]).unwrap_err());
    assert!(matches!(refused, Ok(GpuError::TooLarge { .. }) | Err(GpuError::TooLarge { .. })), "{refused:?}");
    device.trace_summaries(1000).unwrap().run(&[&[0.0; 1000]]).unwrap();
}

#[test]
fn a_length_beyond_all_counting_is_refused_before_anything_is_computed() {
    let Some(device) = device() else { return };
    for n_samples in [1 << 28, 1 << 32, usize::MAX] {
        assert!(matches!(device.trace_summaries(n_samples), Err(GpuError::TooLarge { .. })), "{n_samples}");
    }
}

#[test]
fn threads_share_a_device() {
    let Some(device) = device() else { return };
    let summaries = |seed: usize| {
        let trace: Vec<f64> = (0..500 + seed).map(|i| ((i * seed) as f64).sin()).collect();
        device.trace_summaries(trace.len()).unwrap().run(&[&trace, &trace]).unwrap()
    };
    let alone: Vec<_> = (1..5).map(summaries).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..5).map(|seed| scope.spawn(move || summaries(seed))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(together, alone);
}

/// The child of the test below.
const IS_CHILD: &str = "GPU_TEST_WITHOUT_DRIVERS";

#[test]
#[cfg(target_os = "linux")]
fn a_process_without_drivers_finds_no_device_and_says_what_it_looked_for() {
    if std::env::var_os(IS_CHILD).is_some() {
        let error = Device::find().unwrap_err();
        assert_eq!(Device::list(), Ok(Vec::new()));
        assert_eq!(error.to_string(), "no graphics processor was found: no driver for Vulkan offers one");
        return;
    }
    let name = "faults::a_process_without_drivers_finds_no_device_and_says_what_it_looked_for";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", name]).env(IS_CHILD, "1");
    child.env("VK_DRIVER_FILES", "/dev/null").env("VK_ICD_FILENAMES", "/dev/null");
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
