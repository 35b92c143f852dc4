//! Steps of a program's own among those of this crate.

use serde::{Deserialize, Serialize};

use crate::Step;

/// A step of this crate, or one of a program's own.
///
/// ```
/// use eeg_artifact::{Channel, ChannelContext, ChannelData, ChannelKind, EegResult, Pipeline, Processor, Recording};
/// use eeg_artifact::{SerialExecutor, Step, StepOr};
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
///
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// struct Invert;
///
/// impl Processor for Invert {
///     fn name(&self) -> &str {
///         "invert"
///     }
///
///     fn process_channel(&self, _: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
///         data.samples.iter_mut().for_each(|sample| *sample = -*sample);
///         Ok(())
///     }
/// }
///
/// let crop = Step::from_json("crop", &json!({ "tmax": 0.01 }))?;
/// let channels = vec![Channel::new("Cz", ChannelKind::Eeg)];
/// let mut recording = Recording::new(100.0, channels, vec![vec![1.0; 500]])?;
/// Pipeline::new([StepOr::Step(crop), StepOr::Own(Invert)]).run(&mut recording, &SerialExecutor)?;
/// assert_eq!(recording.samples(0)?, [-1.0, -1.0]);
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StepOr<P> {
    /// A step of this crate.
    Step(Step),
    /// A step of the program's own.
    Own(P),
}

crate::processor::processor_of_variants!(StepOr<P>: Step, Own);
