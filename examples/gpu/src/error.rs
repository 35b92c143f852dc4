//! Why a device cannot be used, or stopped being usable: each time the caller's way out is to compute on the cores.

/// Why nothing came back from a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// The program was built without the feature `wgpu` of this crate.
    #[error("this program was built without support for graphics processors; build it with --features gpu")]
    NotBuilt,
    /// No driver offers a device.
    #[error("no graphics processor was found: {reason}")]
    NoDevice {
        /// What was looked for, and what the drivers said.
        reason: String,
    },
    /// The device disappeared while it worked, or its driver was reset.
    #[error("the graphics processor {name} was lost: {reason}")]
    Lost {
        /// The device.
        name: String,
        /// What its driver said.
        reason: String,
    },
    /// The device's memory, or a limit of its driver, is too small.
    #[error("{needed} bytes do not fit on the graphics processor {name}: {reason}")]
    TooLarge {
        /// The device.
        name: String,
        /// How many bytes one buffer, or all of them, would have.
        needed: u64,
        /// Which limit that is.
        reason: String,
    },
    /// The input cannot be computed on any device: no samples, a rate that is not above zero, numbers beyond single precision.
    #[error("{0}")]
    Input(String),
    /// The driver refused a command for another reason.
    #[error("the graphics processor {name} refused to work: {reason}")]
    Refused {
        /// The device.
        name: String,
        /// What its driver said.
        reason: String,
    },
}
