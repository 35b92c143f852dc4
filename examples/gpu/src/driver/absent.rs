//! What stands in for drivers in a program that was built without them: types that cannot exist, so that no call is ever made.

use crate::{DeviceSettings, GpuError};

/// A driver that cannot exist.
#[derive(Debug, Clone)]
pub(crate) enum Driver {}

/// A kernel that cannot exist.
#[derive(Debug)]
pub(crate) enum Kernel {}

/// A buffer that cannot exist.
#[derive(Debug)]
pub(crate) enum Buffer {}

/// A step that cannot exist.
#[derive(Debug)]
pub(crate) enum Step {}

impl Driver {
    pub(crate) fn find(_settings: &DeviceSettings) -> Result<Self, GpuError> {
        Err(GpuError::NotBuilt)
    }

    pub(crate) fn list() -> Result<Vec<String>, GpuError> {
        Err(GpuError::NotBuilt)
    }

    pub(crate) fn name(&self) -> &str {
        match *self {}
    }

    pub(crate) fn is_software(&self) -> bool {
        match *self {}
    }

    pub(crate) fn memory_limit(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn lose(&self) {
        match *self {}
    }

    pub(crate) fn kernel(&self, _wgsl: &str, _entry_point: &str) -> Result<Kernel, GpuError> {
        match *self {}
    }

    pub(crate) fn largest_buffer(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn free_memory(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn buffer(&self, _n_bytes: u64) -> Result<Buffer, GpuError> {
        match *self {}
    }

    pub(crate) fn upload(&self, _buffer: &Buffer, _bytes: &[u8]) -> Result<(), GpuError> {
        match *self {}
    }

    pub(crate) fn step(&self, _kernel: &Kernel, _buffers: &[(u32, &Buffer)]) -> Result<Step, GpuError> {
        match *self {}
    }

    pub(crate) fn run(&self, _steps: &[(&Step, [u32; 3])]) -> Result<(), GpuError> {
        match *self {}
    }

    pub(crate) fn read(&self, _buffer: &Buffer, _into: &mut [u8]) -> Result<(), GpuError> {
        match *self {}
    }
}
