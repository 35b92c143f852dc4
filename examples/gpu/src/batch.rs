//! How many items of one size go to a device at a time.

use crate::fft::MOST_GROUPS;
use crate::{Device, GpuError};

/// The share of the memory that one batch takes: others may work on the device, too.
const SHARE: u64 = 4;

/// The bytes of one item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ItemBytes {
    /// In the largest buffer.
    pub(crate) largest: u64,
    /// In all buffers, with the copy that an upload makes.
    pub(crate) all: u64,
}

/// How many of `n_items` to take at a time: what fits into a share of the memory, but one at least. One that does not fit at all is refused
/// when its buffers are made.
pub(crate) fn capacity(device: &Device, n_items: usize, item: ItemBytes) -> usize {
    at_a_time(device.largest_buffer(), device.free_memory().min(device.memory_limit() / SHARE), item).min(n_items)
}

fn at_a_time(largest_buffer: u64, memory: u64, item: ItemBytes) -> usize {
    let fit = (largest_buffer / item.largest.max(1)).min(memory / item.all.max(1));
    // A dimension of a dispatch counts the items.
    usize::try_from(fit.clamp(1, u64::from(MOST_GROUPS))).expect("the clamp is within usize")
}

/// A length as kernels count it.
///
/// # Errors
/// [`GpuError::Input`] for zero, [`GpuError::TooLarge`] beyond what any buffer holds.
pub(crate) fn whole_number(device: &Device, n: usize, what: &str) -> Result<u32, GpuError> {
    match u32::try_from(n) {
        Ok(0) => Err(GpuError::Input(format!("0 {what} have no spectrum; give at least one"))),
        Ok(n) if n < 1 << 28 => Ok(n),
        _ => {
            let reason = format!("kernels count up to {} {what}", 1 << 28);
            Err(GpuError::TooLarge { name: device.name().to_owned(), needed: (n as u64).saturating_mul(8), reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_share_the_memory_and_each_buffer_holds_them_all() {
        let item = ItemBytes { largest: 100, all: 300 };
        assert_eq!(at_a_time(1000, u64::MAX, item), 10);
        assert_eq!(at_a_time(u64::MAX, 900, item), 3);
        assert_eq!(at_a_time(u64::MAX, u64::MAX, item), 65_535);
    }

    #[test]
    fn an_item_that_does_not_fit_is_tried_alone_and_then_refused() {
        assert_eq!(at_a_time(10, 10, ItemBytes { largest: 100, all: 300 }), 1);
        assert_eq!(at_a_time(10, 10, ItemBytes { largest: u64::MAX, all: u64::MAX }), 1);
        assert_eq!(at_a_time(10, 10, ItemBytes { largest: 0, all: 0 }), 10);
    }
}
