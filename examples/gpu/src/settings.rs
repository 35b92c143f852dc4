//! Which device is wanted, and how much of it may be used.

use std::time::Duration;

/// What a search for a device is asked for. The default takes the fastest kind of device of any driver, half a gibibyte, and a minute.
///
/// ```
/// let settings = gpu::DeviceSettings { memory_limit: Some(64 << 20), ..gpu::DeviceSettings::default() };
/// assert_eq!(settings.backend, gpu::Backend::Any);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSettings {
    /// The most bytes that all buffers on the device may have together; none for [`DeviceSettings::USUAL_MEMORY`]. No driver tells how
    /// much is free, so this is the only guard against taking a small device's whole memory.
    pub memory_limit: Option<u64>,
    /// The interface of the driver.
    pub backend: Backend,
    /// How long one submission may take until the device counts as lost.
    pub patience: Duration,
}

impl DeviceSettings {
    /// The bytes that buffers may have together where no limit was given.
    pub const USUAL_MEMORY: u64 = 512 << 20;
}

impl Default for DeviceSettings {
    fn default() -> Self {
        Self { memory_limit: None, backend: Backend::Any, patience: Duration::from_secs(60) }
    }
}

/// An interface that drivers offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// The one that has the best device.
    #[default]
    Any,
    /// Linux, Windows, Android; also Mesa's software device.
    Vulkan,
    /// macOS and iOS.
    Metal,
    /// Windows.
    Dx12,
}
