//! What stands in for drivers in a program that was built without them: types that cannot exist, so that no call is ever made.

use crate::{DeviceSettings, GpuError};

/// Has no value. The types below hold one in private, so that the compiler does not call what uses them unreachable.
#[derive(Debug, Clone)]
enum Never {}

/// A driver that cannot exist.
#[derive(Debug, Clone)]
pub(crate) struct Driver(Never);

/// A kernel that cannot exist.
#[derive(Debug, Clone)]
pub(crate) struct Kernel(Never);

/// A buffer that cannot exist.
#[derive(Debug)]
pub(crate) struct Buffer(Never);

/// A step that cannot exist.
#[derive(Debug)]
pub(crate) struct Step(Never);

impl Driver {
    pub(crate) fn find(_settings: &DeviceSettings) -> Result<Self, GpuError> {
        Err(GpuError::NotBuilt)
    }

    pub(crate) fn list() -> Result<Vec<String>, GpuError> {
        Err(GpuError::NotBuilt)
    }

    pub(crate) fn name(&self) -> &str {
        match self.0 {}
    }

    pub(crate) fn is_software(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn memory_limit(&self) -> u64 {
        match self.0 {}
    }

    pub(crate) fn lose(&self) {
        match self.0 {}
    }

    pub(crate) fn kernel(&self, _wgsl: &str, _entry_point: &str) -> Result<Kernel, GpuError> {
        match self.0 {}
    }

    pub(crate) fn largest_buffer(&self) -> u64 {
        match self.0 {}
    }

    pub(crate) fn free_memory(&self) -> u64 {
        match self.0 {}
    }

    pub(crate) fn buffer(&self, _n_bytes: u64) -> Result<Buffer, GpuError> {
        match self.0 {}
    }

    pub(crate) fn upload(&self, _buffer: &Buffer, _bytes: &[u8]) -> Result<(), GpuError> {
        match self.0 {}
    }

    pub(crate) fn step(&self, _kernel: &Kernel, _buffers: &[(u32, &Buffer)]) -> Result<Step, GpuError> {
        match self.0 {}
    }

    pub(crate) fn run(&self, _steps: &[(&Step, [u32; 3])]) -> Result<(), GpuError> {
        match self.0 {}
    }

    pub(crate) fn read(&self, _buffer: &Buffer, _into: &mut [u8]) -> Result<(), GpuError> {
        match self.0 {}
    }
}
