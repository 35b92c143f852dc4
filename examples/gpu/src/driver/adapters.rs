//! The devices that drivers offer, best first.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::{Backend, GpuError};

/// The devices of the backend, best first.
///
/// # Errors
/// `NoDevice` when there is none; it names the interfaces that were asked.
pub(super) fn adapters(backend: Backend) -> Result<Vec<wgpu::Adapter>, GpuError> {
    let wanted = backends(backend);
    let usable = wanted & wgpu::Instance::enabled_backend_features();
    if usable.is_empty() {
        return Err(GpuError::NoDevice { reason: format!("this program does not speak {backend:?} on this system") });
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: usable,
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let mut found = ready(instance.enumerate_adapters(usable)).unwrap_or_default();
    if found.is_empty() {
        return Err(GpuError::NoDevice { reason: format!("no driver for {} offers one", names(usable)) });
    }
    found.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    Ok(found)
}

/// One line about a device.
pub(super) fn line(info: &wgpu::AdapterInfo) -> String {
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "a card of its own",
        wgpu::DeviceType::IntegratedGpu => "part of the processor",
        wgpu::DeviceType::VirtualGpu => "of a virtual machine",
        wgpu::DeviceType::Cpu => "software on the processor's cores",
        wgpu::DeviceType::Other => "of an unknown kind",
    };
    let driver = [info.driver.as_str(), info.driver_info.as_str()].join(" ");
    format!("{}: {kind}, {:?}, driver {}", info.name, info.backend, driver.trim())
}

/// The value of a future that is ready at once, as all of wgpu's are outside a browser.
pub(super) fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Where a kind of device stands among the others; the smallest is best.
fn rank(kind: wgpu::DeviceType) -> u8 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

fn backends(backend: Backend) -> wgpu::Backends {
    match backend {
        Backend::Any => wgpu::Backends::PRIMARY,
        Backend::Vulkan => wgpu::Backends::VULKAN,
        Backend::Metal => wgpu::Backends::METAL,
        Backend::Dx12 => wgpu::Backends::DX12,
    }
}

/// The interfaces in words: `Vulkan or Dx12`.
fn names(backends: wgpu::Backends) -> String {
    let known =
        [(wgpu::Backends::VULKAN, "Vulkan"), (wgpu::Backends::METAL, "Metal"), (wgpu::Backends::DX12, "DirectX 12")];
    let named: Vec<&str> = known.iter().filter(|(one, _)| backends.contains(*one)).map(|(_, name)| *name).collect();
    named.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_comes_before_a_processor_and_that_before_software() {
        use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu, Other, VirtualGpu};
        let mut kinds = [Cpu, Other, IntegratedGpu, DiscreteGpu, VirtualGpu];
        kinds.sort_by_key(|kind| rank(*kind));
        assert_eq!(kinds, [DiscreteGpu, IntegratedGpu, VirtualGpu, Other, Cpu]);
    }

    #[test]
    fn interfaces_are_named_in_words() {
        assert_eq!(names(wgpu::Backends::VULKAN | wgpu::Backends::DX12), "Vulkan or DirectX 12");
    }

    #[test]
    fn a_future_that_waits_has_no_value_yet() {
        assert_eq!(ready(std::future::ready(3)), Some(3));
        assert_eq!(ready(std::future::pending::<i32>()), None);
    }
}
