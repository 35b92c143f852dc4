//! A device: found or not, and for how much of its memory this program may use.
//!
//! The kernels of this crate build on the parts that are not public: [`Kernel`], [`Buffer`] and [`Step`] of the driver, each with every
//! error of the driver as a [`GpuError`]. They are the same with and without the feature `wgpu`; without it none can exist.

use std::sync::OnceLock;

use bytemuck::Pod;

use crate::driver::{Buffer, Driver, Kernel, Step};
use crate::{DeviceSettings, GpuError};

/// A graphics processor of this process, ready to work.
///
/// Clones are handles of one device. It belongs to the process that found it: a worker process finds its own.
///
/// ```
/// match gpu::Device::find() {
///     Ok(device) => println!("{} is there", device.name()),
///     Err(error) => println!("on the cores, because {error}"),
/// }
/// ```
///
/// # Concurrency
/// Threads may share it; its driver takes one submission after the other. A call that brings back results blocks until they are there, at
/// most for [`DeviceSettings::patience`].
#[derive(Debug, Clone)]
pub struct Device {
    driver: Driver,
}

impl Device {
    /// The best device of any driver: a card of its own before one in the processor, and that before one in software.
    ///
    /// # Errors
    /// [`GpuError::NotBuilt`] without the feature `wgpu`; [`GpuError::NoDevice`] with what was tried.
    pub fn find() -> Result<Self, GpuError> {
        Self::find_with(&DeviceSettings::default())
    }

    /// The device that [`Device::find`] found when this was first called in the process: for threads that share one, with its memory.
    ///
    /// # Errors
    /// As [`Device::find`], the same each time.
    pub fn of_process() -> Result<Self, GpuError> {
        static DEVICE: OnceLock<Result<Device, GpuError>> = OnceLock::new();
        DEVICE.get_or_init(Device::find).clone()
    }

    /// The best device that the settings admit. It costs milliseconds, with some drivers up to a second.
    ///
    /// # Errors
    /// As [`Device::find`].
    pub fn find_with(settings: &DeviceSettings) -> Result<Self, GpuError> {
        Driver::find(settings).map(|driver| Self { driver })
    }

    /// Every device that a driver offers, best first, a line each: name, kind, interface, driver. Empty where there is none.
    ///
    /// # Errors
    /// [`GpuError::NotBuilt`] without the feature `wgpu`.
    pub fn list() -> Result<Vec<String>, GpuError> {
        Driver::list()
    }

    /// What its driver calls it, such as `llvmpipe (LLVM 15.0.6, 256 bits)`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.driver.name()
    }

    /// Whether the processor's cores do the work of a device: right for tests, hardly ever fast.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.driver.is_software()
    }

    /// The most bytes that buffers on it may have together.
    #[must_use]
    pub fn memory_limit(&self) -> u64 {
        self.driver.memory_limit()
    }

    /// Makes the device unusable, as a driver's reset does: for tests of what a caller does then.
    #[doc(hidden)]
    pub fn lose(&self) {
        self.driver.lose();
    }
}

/// What kernels are made of. Every call fails with [`GpuError::Lost`] on a device that is lost, never with a panic.
impl Device {
    /// One entry point of a WGSL module, compiled once for all handles of the device. Its bindings are of group 0.
    pub(crate) fn kernel(&self, wgsl: &str, entry_point: &str) -> Result<Kernel, GpuError> {
        self.driver.kernel(wgsl, entry_point)
    }

    /// The largest single buffer, in bytes: the driver's limit or this program's, whichever is less.
    pub(crate) fn largest_buffer(&self) -> u64 {
        self.driver.largest_buffer()
    }

    /// The bytes that buffers may still take.
    pub(crate) fn free_memory(&self) -> u64 {
        self.driver.free_memory()
    }

    /// A buffer of zeros that kernels read and write; `n_bytes` is rounded up to whole words, and to one at least.
    /// `TooLarge` when it does not fit beside the buffers that live.
    pub(crate) fn buffer(&self, n_bytes: u64) -> Result<Buffer, GpuError> {
        self.driver.buffer(n_bytes)
    }

    /// A buffer with these values (whole words of 4 bytes, at least one).
    pub(crate) fn buffer_with<T: Pod>(&self, values: &[T]) -> Result<Buffer, GpuError> {
        let buffer = self.buffer(std::mem::size_of_val(values) as u64)?;
        self.upload(&buffer, values)?;
        Ok(buffer)
    }

    /// Writes values to the start of a buffer, before the next steps run. They must fit.
    pub(crate) fn upload<T: Pod>(&self, buffer: &Buffer, values: &[T]) -> Result<(), GpuError> {
        self.driver.upload(buffer, bytemuck::cast_slice(values))
    }

    /// Binds buffers to a kernel: `(binding number, buffer)`, exactly those that its entry point uses.
    pub(crate) fn step(&self, kernel: &Kernel, buffers: &[(u32, &Buffer)]) -> Result<Step, GpuError> {
        self.driver.step(kernel, buffers)
    }

    /// Runs steps one after the other, each in so many workgroups; a step sees what those before wrote. It does not wait for the end.
    pub(crate) fn run(&self, steps: &[(&Step, [u32; 3])]) -> Result<(), GpuError> {
        self.driver.run(steps)
    }

    /// Waits for everything that was run, and brings back the first values of a buffer. The copy is counted as memory while it lasts.
    pub(crate) fn read<T: Pod>(&self, buffer: &Buffer, n_values: usize) -> Result<Vec<T>, GpuError> {
        let mut values = vec![T::zeroed(); n_values];
        self.driver.read(buffer, bytemuck::cast_slice_mut(&mut values))?;
        Ok(values)
    }
}

#[cfg(all(test, feature = "wgpu"))]
mod tests {
    use super::*;
    use crate::Backend;
    use crate::test_device::{device, device_with};

    const DOUBLES: &str = "
        @group(0) @binding(0) var<storage, read_write> values: array<f32>;
        @compute @workgroup_size(64) fn double(@builtin(global_invocation_id) at: vec3u) {
            if at.x < arrayLength(&values) { values[at.x] *= 2.0; }
        }";

    fn doubled(device: &Device, values: &[f32]) -> Result<Vec<f32>, GpuError> {
        let buffer = device.buffer_with(values)?;
        let step = device.step(&device.kernel(DOUBLES, "double")?, &[(0, &buffer)])?;
        device.run(&[(&step, [1, 1, 1]), (&step, [1, 1, 1])])?;
        device.read(&buffer, values.len())
    }

    #[test]
    fn each_step_sees_what_the_one_before_wrote() {
        let Some(device) = device() else { return };
        assert_eq!(doubled(&device, &[1.0, -2.5, 0.0]), Ok(vec![4.0, -10.0, 0.0]));
        assert!(!device.name().is_empty());
        assert_eq!(device.free_memory(), device.memory_limit(), "a buffer outlived its work");
    }

    #[test]
    fn a_lost_device_is_an_error_of_every_call_and_for_good() {
        let Some(device) = device() else { return };
        let kernel = device.kernel(DOUBLES, "double").unwrap();
        let buffer = device.buffer_with(&[1.0_f32]).unwrap();
        let step = device.step(&kernel, &[(0, &buffer)]).unwrap();
        device.lose();
        let is_lost = |error: GpuError| assert!(matches!(error, GpuError::Lost { .. }), "{error}");
        is_lost(device.kernel(DOUBLES, "double").unwrap_err());
        is_lost(device.buffer(4).unwrap_err());
        is_lost(device.upload(&buffer, &[2.0_f32]).unwrap_err());
        is_lost(device.step(&kernel, &[(0, &buffer)]).unwrap_err());
        is_lost(device.run(&[(&step, [1, 1, 1])]).unwrap_err());
        is_lost(device.read::<f32>(&buffer, 1).unwrap_err());
    }

    #[test]
    fn a_device_lost_between_run_and_read_is_an_error_and_does_not_hang() {
        let Some(device) = device() else { return };
        let buffer = device.buffer_with(&[1.0_f32]).unwrap();
        let step = device.step(&device.kernel(DOUBLES, "double").unwrap(), &[(0, &buffer)]).unwrap();
        device.run(&[(&step, [1, 1, 1])]).unwrap();
        device.lose();
        assert!(matches!(device.read::<f32>(&buffer, 1), Err(GpuError::Lost { .. })));
    }

    #[test]
    fn an_allocation_beyond_the_limit_is_refused_and_the_device_stays_usable() {
        let settings = DeviceSettings { memory_limit: Some(1000), ..DeviceSettings::default() };
        let Some(device) = device_with(&settings) else { return };
        assert_eq!(device.largest_buffer(), 1000);
        let error = device.buffer(1004).unwrap_err();
        assert!(matches!(error, GpuError::TooLarge { needed: 1004, .. }), "{error}");
        assert_eq!(doubled(&device, &[0.5]), Ok(vec![2.0]));
    }

    #[test]
    fn a_buffer_beyond_what_the_driver_has_is_too_large() {
        let settings = DeviceSettings { memory_limit: Some(u64::MAX), ..DeviceSettings::default() };
        let Some(device) = device_with(&settings) else { return };
        let beyond = device.largest_buffer() + 4;
        assert!(matches!(device.buffer(beyond), Err(GpuError::TooLarge { .. })));
        assert_eq!(doubled(&device, &[0.5]), Ok(vec![2.0]));
    }

    #[test]
    fn a_kernel_that_does_not_compile_is_refused_with_what_the_compiler_said() {
        let Some(device) = device() else { return };
        let refused = device.kernel("fn broken( {", "broken").unwrap_err();
        assert!(matches!(&refused, GpuError::Refused { reason, .. } if reason.contains("broken")), "{refused}");
        let refused = device.kernel(DOUBLES, "halve").unwrap_err();
        assert!(matches!(&refused, GpuError::Refused { reason, .. } if reason.contains("halve")), "{refused}");
        assert_eq!(doubled(&device, &[0.5]), Ok(vec![2.0]));
    }

    #[test]
    fn a_device_that_does_not_answer_in_time_counts_as_lost() {
        const WORKS_LONG: &str = "
            @group(0) @binding(0) var<storage, read_write> values: array<f32>;
            @compute @workgroup_size(64) fn work(@builtin(global_invocation_id) at: vec3u) {
                var value = values[0];
                for (var i = 0u; i < 2000000000u; i++) { value = value * 0.999 + 0.001; }
                values[0] = value;
            }";
        let settings = DeviceSettings { patience: std::time::Duration::ZERO, ..DeviceSettings::default() };
        let Some(device) = device_with(&settings) else { return };
        let buffer = device.buffer_with(&[2.0_f32]).unwrap();
        let step = device.step(&device.kernel(WORKS_LONG, "work").unwrap(), &[(0, &buffer)]).unwrap();
        device.run(&[(&step, [1, 1, 1])]).unwrap();
        // Nothing to copy: the wait is all there is, and it starts while the kernel works.
        let lost = device.read::<f32>(&buffer, 0).unwrap_err();
        assert!(matches!(&lost, GpuError::Lost { reason, .. } if reason.contains("did not answer")), "{lost}");
        assert_eq!(device.read::<f32>(&buffer, 1), Err(lost), "it stays lost");
    }

    #[test]
    fn a_backend_of_another_system_has_no_device() {
        let absent = if cfg!(target_vendor = "apple") { Backend::Dx12 } else { Backend::Metal };
        let settings = DeviceSettings { backend: absent, ..DeviceSettings::default() };
        let refused = Device::find_with(&settings).unwrap_err();
        assert!(matches!(refused, GpuError::NoDevice { .. }), "{refused}");
        assert!(refused.to_string().contains(&format!("{absent:?}")), "{refused}");
    }
}
