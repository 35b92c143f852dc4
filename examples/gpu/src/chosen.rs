//! From what a user asked for to the device that will work, or to the cores with a line that says why.

use crate::{Device, DeviceChoice, GpuError, Ran, Timed, WORTH_A_DEVICE, Work, estimate::Pays};

/// Where the work goes.
#[derive(Debug, Clone)]
#[must_use]
pub struct Chosen {
    /// The device, or none for the cores.
    pub device: Option<Device>,
    /// What a device and the cores were measured to take, where that decided.
    pub measured: Option<String>,
    /// One line for the user: why the cores do what a device was to do.
    pub fell_back: Option<String>,
}

impl Chosen {
    /// The cores, with nothing to say.
    pub fn cores() -> Self {
        Self { device: None, measured: None, fell_back: None }
    }

    /// The cores, because a device cannot do it: also for a device that is lost half-way.
    ///
    /// ```
    /// let chosen = gpu::Chosen::cores_because(&gpu::GpuError::NoDevice { reason: "no driver for Vulkan offers one".to_owned() });
    /// assert_eq!(
    ///     chosen.fell_back.as_deref(),
    ///     Some("computing on the cores: no graphics processor was found: no driver for Vulkan offers one")
    /// );
    /// ```
    pub fn cores_because(reason: impl std::fmt::Display) -> Self {
        Self { fell_back: Some(format!("computing on the cores: {reason}")), ..Self::cores() }
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

/// Finds the device that a user's choice means. For [`DeviceChoice::Auto`], and only then, a part of the work is timed: on one core first,
/// and when all of it is long enough for [`WORTH_A_DEVICE`], on the device that `find` finds, too. `on_core` gives none where nothing can be
/// timed, which is the cores. A failure is the cores with a line. A program that was built without devices has nothing to say where the
/// user left the choice to it.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::time::Duration;
/// use gpu::{Device, DeviceChoice, Timed, Work, choose};
///
/// let work = Work { n_items: 1000, workers: NonZeroUsize::MIN };
/// let little = || Some(Timed { n_items: NonZeroUsize::MIN, took: Duration::from_micros(20) });
/// let chosen = choose(DeviceChoice::Auto, work, Device::find, little, |_| unreachable!("20 ms are too little"));
/// assert_eq!(chosen.ran(), gpu::Ran::Cpu);
/// assert_eq!((chosen.measured, chosen.fell_back), (None, None));
/// ```
pub fn choose(
    choice: DeviceChoice,
    work: Work,
    find: impl FnOnce() -> Result<Device, GpuError>,
    on_core: impl FnOnce() -> Option<Timed>,
    on_device: impl FnOnce(&Device) -> Result<Timed, GpuError>,
) -> Chosen {
    match choice {
        DeviceChoice::Cpu => Chosen::cores(),
        DeviceChoice::Gpu => match find() {
            Ok(device) => Chosen { device: Some(device), ..Chosen::cores() },
            Err(error) => Chosen::cores_because(error),
        },
        DeviceChoice::Auto => match crate::IS_BUILT.then(on_core).flatten() {
            Some(core) if work.seconds_on_cores(core) >= WORTH_A_DEVICE.as_secs_f64() => {
                if_it_pays(work, core, find, on_device).unwrap_or_else(Chosen::cores_because)
            }
            _ => Chosen::cores(),
        },
    }
}

fn if_it_pays(
    work: Work,
    core: Timed,
    find: impl FnOnce() -> Result<Device, GpuError>,
    on_device: impl FnOnce(&Device) -> Result<Timed, GpuError>,
) -> Result<Chosen, GpuError> {
    let device = find()?;
    Ok(match work.pays(core, on_device(&device)?, device.name()) {
        Pays::Device(sentence) => Chosen { device: Some(device), measured: Some(sentence), fell_back: None },
        Pays::Cores(sentence) => Chosen { measured: Some(sentence), ..Chosen::cores() },
    })
}
