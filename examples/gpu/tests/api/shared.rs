//! The device of the tests.

use std::io::Write as _;

use gpu::{Device, DeviceSettings, GpuError};

/// A device of the test's own, or none and a line that says so. With `MANYHANDS_REQUIRE_GPU` set, absence is a failure.
pub(crate) fn device() -> Option<Device> {
    device_with(&DeviceSettings::default())
}

/// As [`device`], with settings.
pub(crate) fn device_with(settings: &DeviceSettings) -> Option<Device> {
    match Device::find_with(settings) {
        Ok(device) => Some(device),
        Err(GpuError::NoDevice { reason }) if std::env::var_os("MANYHANDS_REQUIRE_GPU").is_none() => {
            // Not `eprintln`, which a test that passes keeps to itself.
            writeln!(std::io::stderr(), "SKIPPED: no graphics processor, so nothing ran on one: {reason}")
                .expect("the terminal takes a line");
            None
        }
        Err(error) => panic!("a device is required: {error}"),
    }
}
