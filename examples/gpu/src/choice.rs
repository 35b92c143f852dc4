//! What a user asks for with `--device`, and what ran in the end.

use std::fmt;
use std::str::FromStr;

/// Where to compute.
///
/// The default of a command is `auto` where its answer is the same to the last bit whatever computes it, and `cpu` where single precision
/// shows in the digits: that is the user's decision, and no matter of a measured time.
///
/// ```
/// assert_eq!("auto".parse(), Ok(gpu::DeviceChoice::Auto));
/// let unknown = "cuda".parse::<gpu::DeviceChoice>().unwrap_err();
/// assert_eq!(unknown.to_string(), "\"cuda\" is no device; give auto, cpu or gpu");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// On a graphics processor where a measured estimate says that it pays.
    #[default]
    Auto,
    /// On the processor's cores.
    Cpu,
    /// On a graphics processor; on the cores where there is none, with a line that says so.
    Gpu,
}

/// A word that names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no device; give auto, cpu or gpu")]
pub struct UnknownDevice(pub String);

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            _ => Err(UnknownDevice(text.to_owned())),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
        })
    }
}

/// What computed a result; its text is what results say, such as `cpu` or `gpu (llvmpipe, f32)`.
///
/// ```
/// assert_eq!(gpu::Ran::Gpu { name: "llvmpipe".to_owned() }.to_string(), "gpu (llvmpipe, f32)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// The processor's cores, with double precision.
    Cpu,
    /// A graphics processor, with single precision.
    Gpu {
        /// The device's name.
        name: String,
    },
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu { name } => write!(f, "gpu ({name}, f32)"),
        }
    }
}
