//! Drivers through wgpu: buffers, kernels, steps, and bringing back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use super::adapters::{adapters, line, ready};
use super::checked::Checked;
use super::memory::{Memory, Taken};
use crate::{DeviceSettings, GpuError};

/// An open device. Clones are handles of the same one.
#[derive(Debug, Clone)]
pub(crate) struct Driver {
    checked: Arc<Checked>,
    memory: Arc<Memory>,
    is_software: bool,
    /// What was compiled, by WGSL and entry point: compiling takes longer than most work.
    kernels: Arc<Mutex<HashMap<(String, String), Kernel>>>,
}

/// A compiled entry point.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    pipeline: wgpu::ComputePipeline,
}

/// Memory on the device, in whole words.
#[derive(Debug)]
pub(crate) struct Buffer {
    buffer: wgpu::Buffer,
    taken: Taken,
}

/// A kernel with its buffers.
#[derive(Debug)]
pub(crate) struct Step {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
}

impl Driver {
    /// The first device, best first, that its driver opens.
    pub(crate) fn find(settings: &DeviceSettings) -> Result<Self, GpuError> {
        let mut refusals = Vec::new();
        for adapter in adapters(settings.backend)? {
            match Self::open(&adapter, settings) {
                Ok(driver) => return Ok(driver),
                Err(reason) => refusals.push(format!("{} does not open: {reason}", adapter.get_info().name)),
            }
        }
        Err(GpuError::NoDevice { reason: refusals.join("; ") })
    }

    /// A line for each device.
    pub(crate) fn list() -> Result<Vec<String>, GpuError> {
        match adapters(crate::Backend::Any) {
            Ok(found) => Ok(found.iter().map(|adapter| line(&adapter.get_info())).collect()),
            Err(GpuError::NoDevice { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn open(adapter: &wgpu::Adapter, settings: &DeviceSettings) -> Result<Self, String> {
        let info = adapter.get_info();
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor { required_limits: limits.clone(), ..Default::default() };
        let opened = ready(adapter.request_device(&descriptor)).ok_or("its driver did not answer")?;
        let (device, queue) = opened.map_err(|error| error.to_string())?;
        let largest = limits.max_buffer_size.min(limits.max_storage_buffer_binding_size);
        let limit = settings.memory_limit.unwrap_or(DeviceSettings::USUAL_MEMORY);
        Ok(Self {
            memory: Arc::new(Memory::new(&info.name, limit, largest)),
            checked: Arc::new(Checked::new(device, queue, info.name, settings.patience)),
            is_software: info.device_type == wgpu::DeviceType::Cpu,
            kernels: Arc::default(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.checked.name()
    }

    pub(crate) fn is_software(&self) -> bool {
        self.is_software
    }

    pub(crate) fn memory_limit(&self) -> u64 {
        self.memory.limit()
    }

    pub(crate) fn largest_buffer(&self) -> u64 {
        self.memory.largest()
    }

    pub(crate) fn free_memory(&self) -> u64 {
        self.memory.free()
    }

    pub(crate) fn lose(&self) {
        self.checked.device.destroy();
    }

    pub(crate) fn kernel(&self, wgsl: &str, entry_point: &str) -> Result<Kernel, GpuError> {
        let mut kernels = self.kernels.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (wgsl.to_owned(), entry_point.to_owned());
        if let Some(kernel) = kernels.get(&key) {
            // A device that is lost has no use for it.
            return self.checked.call(0, || kernel.clone());
        }
        let kernel = self.compiled(wgsl, entry_point)?;
        kernels.insert(key, kernel.clone());
        Ok(kernel)
    }

    fn compiled(&self, wgsl: &str, entry_point: &str) -> Result<Kernel, GpuError> {
        let device = &self.checked.device;
        let pipeline = self.checked.call(0, || {
            let source = wgpu::ShaderSource::Wgsl(wgsl.into());
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry_point),
                layout: None,
                module: &module,
                entry_point: Some(entry_point),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        })?;
        Ok(Kernel { pipeline })
    }

    pub(crate) fn buffer(&self, n_bytes: u64) -> Result<Buffer, GpuError> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        self.buffer_for(n_bytes, usage)
    }

    fn buffer_for(&self, n_bytes: u64, usage: wgpu::BufferUsages) -> Result<Buffer, GpuError> {
        let size = n_bytes.max(4).checked_next_multiple_of(4).unwrap_or(u64::MAX);
        let taken = self.memory.take(size)?;
        let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        let buffer = self.checked.call(size, || self.checked.device.create_buffer(&descriptor))?;
        Ok(Buffer { buffer, taken })
    }

    pub(crate) fn upload(&self, buffer: &Buffer, bytes: &[u8]) -> Result<(), GpuError> {
        debug_assert!(bytes.len() as u64 <= buffer.taken.n_bytes(), "more bytes than the buffer has");
        self.checked.call(bytes.len() as u64, || self.checked.queue.write_buffer(&buffer.buffer, 0, bytes))
    }

    pub(crate) fn step(&self, kernel: &Kernel, buffers: &[(u32, &Buffer)]) -> Result<Step, GpuError> {
        let entries: Vec<wgpu::BindGroupEntry<'_>> = buffers
            .iter()
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding: *binding,
                resource: buffer.buffer.as_entire_binding(),
            })
            .collect();
        let bindings = self.checked.call(0, || {
            let layout = kernel.pipeline.get_bind_group_layout(0);
            let descriptor = wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries };
            self.checked.device.create_bind_group(&descriptor)
        })?;
        Ok(Step { pipeline: kernel.pipeline.clone(), bindings })
    }

    pub(crate) fn run(&self, steps: &[(&Step, [u32; 3])]) -> Result<(), GpuError> {
        self.checked.call(0, || {
            let mut encoder = self.checked.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for (step, [x, y, z]) in steps {
                pass.set_pipeline(&step.pipeline);
                pass.set_bind_group(0, &step.bindings, &[]);
                pass.dispatch_workgroups(*x, *y, *z);
            }
            drop(pass);
            self.checked.queue.submit([encoder.finish()]);
        })
    }

    pub(crate) fn read(&self, buffer: &Buffer, into: &mut [u8]) -> Result<(), GpuError> {
        let n_bytes = into.len() as u64;
        debug_assert!(n_bytes <= buffer.taken.n_bytes() && n_bytes.is_multiple_of(4), "whole words of the buffer");
        if n_bytes == 0 {
            return self.checked.wait();
        }
        let copy = self.buffer_for(n_bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)?;
        let (sender, receiver) = mpsc::channel();
        self.checked.call(n_bytes, || {
            let mut encoder = self.checked.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(&buffer.buffer, 0, &copy.buffer, 0, n_bytes);
            self.checked.queue.submit([encoder.finish()]);
            // A receiver that is gone has no use for the answer.
            copy.buffer.map_async(wgpu::MapMode::Read, .., move |answer| drop(sender.send(answer)));
        })?;
        self.checked.wait()?;
        // Not `recv`: the queue is empty, so an answer that is not there by now will not come.
        let unreadable = || self.checked.lost("its memory could not be read");
        receiver.try_recv().map_err(|_| unreadable())?.map_err(|_| unreadable())?;
        let view = self.checked.call(0, || copy.buffer.get_mapped_range(..))?.map_err(|_| unreadable())?;
        into.copy_from_slice(&view);
        Ok(())
    }
}
