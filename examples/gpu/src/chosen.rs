//! From what a user asked for to the device that will work, or to the cores with a line that says why.

use std::num::NonZeroUsize;

use crate::{Device, DeviceChoice, DeviceSettings, GpuError, Pays, Ran, Trial};

/// Where the work goes.
#[derive(Debug, Clone)]
#[must_use]
pub struct Chosen {
    /// The device, or none for the cores.
    pub device: Option<Device>,
    /// One line for the user, where there is something to say.
    pub note: Option<String>,
}

impl Chosen {
    /// The cores, because a device failed: also for a device that is lost half-way.
    ///
    /// ```
    /// let chosen = gpu::Chosen::cores_because(&gpu::GpuError::NoDevice { reason: "no driver for Vulkan offers one".to_owned() });
    /// assert_eq!(
    ///     chosen.note.as_deref(),
    ///     Some("computing on the cores: no graphics processor was found: no driver for Vulkan offers one")
    /// );
    /// ```
    pub fn cores_because(error: &GpuError) -> Self {
        Self { device: None, note: Some(format!("computing on the cores: {error}")) }
    }

    /// What results say of it.
    #[must_use]
    pub fn ran(&self) -> Ran {
        match &self.device {
            Some(device) => Ran::Gpu { name: device.name().to_owned() },
            None => Ran::Cpu,
        }
    }
}

/// Finds the device that a user's choice means for `n_items` on so many workers. `trial` times a small part of the work for
/// [`DeviceChoice::Auto`]; it is not called otherwise. A failure is the cores with a line. A program that was built without devices has
/// nothing to say where the user left the choice to it.
///
/// ```
/// use std::num::NonZeroUsize;
/// let settings = gpu::DeviceSettings::default();
/// let chosen = gpu::choose(gpu::DeviceChoice::Cpu, &settings, 1000, NonZeroUsize::MIN, |_| unreachable!());
/// assert_eq!(chosen.ran(), gpu::Ran::Cpu);
/// assert_eq!(chosen.note, None);
/// ```
pub fn choose(
    choice: DeviceChoice,
    settings: &DeviceSettings,
    n_items: usize,
    workers: NonZeroUsize,
    trial: impl FnOnce(&Device) -> Result<Trial, GpuError>,
) -> Chosen {
    if choice == DeviceChoice::Cpu {
        return Chosen { device: None, note: None };
    }
    let device = match Device::find_with(settings) {
        Ok(device) => device,
        Err(GpuError::NotBuilt) if choice == DeviceChoice::Auto => return Chosen { device: None, note: None },
        Err(error) => return Chosen::cores_because(&error),
    };
    if choice == DeviceChoice::Gpu {
        return Chosen { device: Some(device), note: None };
    }
    match trial(&device).map(|trial| trial.pays(n_items, workers, device.name())) {
        Ok(Pays::Device(note)) => Chosen { device: Some(device), note: Some(note) },
        Ok(Pays::Cores(note)) => Chosen { device: None, note: Some(note) },
        Err(error) => Chosen::cores_because(&error),
    }
}
