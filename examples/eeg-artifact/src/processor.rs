//! What a step of a pipeline is.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Channel, ChannelData, EegResult, Info, Recording};

/// A step of a [`Pipeline`](crate::Pipeline).
///
/// Most steps process each channel by itself: they implement [`Processor::process_channel`] and nothing else. A step that needs all
/// channels, or changes what is known about the recording, says `false` in [`Processor::parallel_safe`] and implements
/// [`Processor::process_whole`], where [`RowStore::take`](crate::RowStore::take), [`put`](crate::RowStore::put) and
/// [`replace`](crate::RowStore::replace) change rows. No step can see how many workers there are or which of them it runs in.
///
/// It is serde data, because a worker process gets a copy of it.
///
/// ```
/// use eeg_artifact::{ChannelContext, ChannelData, EegResult, Processor};
/// use serde::{Deserialize, Serialize};
///
/// /// Limits every sample to a range.
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// struct Clip {
///     volts: f64,
/// }
///
/// impl Processor for Clip {
///     fn name(&self) -> &str {
///         "clip"
///     }
///
///     fn process_channel(&self, _: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
///         data.samples.iter_mut().for_each(|sample| *sample = sample.clamp(-self.volts, self.volts));
///         Ok(())
///     }
/// }
/// assert!(Clip { volts: 1e-4 }.parallel_safe());
/// ```
pub trait Processor: fmt::Debug + Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// The name in messages and reports.
    fn name(&self) -> &str;

    /// Whether each channel is processed by itself, so that channels can be processed in parallel.
    fn parallel_safe(&self) -> bool {
        true
    }

    /// The parts of the step, in order. A step has more than one when something global is decided between two passes over the
    /// channels.
    fn phases(&self) -> Vec<Phase> {
        vec![if self.parallel_safe() { Phase::Channels } else { Phase::Whole }]
    }

    /// What must be there before the step.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Whether there are triggers after this step.
    fn gives_triggers(&self) -> bool {
        false
    }

    /// Whether the step adds what it subtracts to [`ChannelData::noise`](crate::ChannelData::noise), so that steps may follow that need
    /// the noise.
    fn gives_noise(&self) -> bool {
        false
    }

    /// Whether the step changes this channel. All others pass through it bit for bit.
    fn applies_to(&self, channel: &Channel) -> bool {
        channel.is_good_eeg()
    }

    /// Refuses settings that do not fit the recording, before anything runs: triggers may not be known then. It is called once more as
    /// the first phase of the step begins.
    ///
    /// # Errors
    /// The step's own.
    fn check(&self, _info: &Info) -> EegResult<()> {
        Ok(())
    }

    /// Processes one channel in place, in a phase over channels. Called once for each channel that the step applies to.
    ///
    /// # Errors
    /// The step's own: the recording is then not processed further.
    fn process_channel(&self, _at: &ChannelContext<'_>, _data: &mut ChannelData) -> EegResult<()> {
        Ok(())
    }

    /// Changes what is known about the recording after a phase over channels: a new rate, a new length. It sees no samples, so that a
    /// channel can pass through several steps before others have begun.
    ///
    /// # Errors
    /// The step's own.
    fn update_info(&self, _phase: usize, _info: &mut Info) -> EegResult<()> {
        Ok(())
    }

    /// Works on the whole recording, once, in a phase of the whole.
    ///
    /// # Errors
    /// The step's own.
    fn process_whole(&self, _phase: usize, _recording: &mut Recording) -> EegResult<()> {
        Ok(())
    }
}

/// Implements [`Processor`] for an enum by what its variants hold.
macro_rules! processor_of_variants {
    ($name:ident $(<$own:ident>)?: $($variant:ident),*) => {
        impl $(<$own: $crate::Processor>)? $crate::Processor for $name $(<$own>)? {
            fn name(&self) -> &str {
                match self { $(Self::$variant(step) => step.name(),)* }
            }

            fn parallel_safe(&self) -> bool {
                match self { $(Self::$variant(step) => step.parallel_safe(),)* }
            }

            fn phases(&self) -> Vec<$crate::Phase> {
                match self { $(Self::$variant(step) => step.phases(),)* }
            }

            fn needs(&self) -> $crate::Needs {
                match self { $(Self::$variant(step) => step.needs(),)* }
            }

            fn gives_triggers(&self) -> bool {
                match self { $(Self::$variant(step) => step.gives_triggers(),)* }
            }

            fn gives_noise(&self) -> bool {
                match self { $(Self::$variant(step) => step.gives_noise(),)* }
            }

            fn applies_to(&self, channel: &$crate::Channel) -> bool {
                match self { $(Self::$variant(step) => step.applies_to(channel),)* }
            }

            fn check(&self, info: &$crate::Info) -> $crate::EegResult<()> {
                match self { $(Self::$variant(step) => step.check(info),)* }
            }

            fn process_channel(&self, at: &$crate::ChannelContext<'_>, data: &mut $crate::ChannelData) -> $crate::EegResult<()> {
                match self { $(Self::$variant(step) => step.process_channel(at, data),)* }
            }

            fn update_info(&self, phase: usize, info: &mut $crate::Info) -> $crate::EegResult<()> {
                match self { $(Self::$variant(step) => step.update_info(phase, info),)* }
            }

            fn process_whole(&self, phase: usize, recording: &mut $crate::Recording) -> $crate::EegResult<()> {
                match self { $(Self::$variant(step) => step.process_whole(phase, recording),)* }
            }
        }
    };
}
pub(crate) use processor_of_variants;

/// How a part of a step works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// On each channel by itself.
    Channels,
    /// Once, on the whole recording.
    Whole,
}

/// What must be there before a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Needs {
    /// Triggers.
    pub triggers: bool,
    /// The noise that correctors have subtracted.
    pub noise: bool,
}

impl Needs {
    /// Triggers, and nothing else.
    pub const TRIGGERS: Self = Self { triggers: true, noise: false };
    /// Triggers and noise.
    pub const TRIGGERS_AND_NOISE: Self = Self { triggers: true, noise: true };
}

/// Where a channel stands when a step processes it.
#[derive(Debug, Clone, Copy)]
pub struct ChannelContext<'a> {
    /// What all channels share.
    pub info: &'a Info,
    /// The channel's index.
    pub channel: usize,
    /// Which of the step's [`Processor::phases`] it is, from 0.
    pub phase: usize,
}

impl ChannelContext<'_> {
    /// The channel.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.info.channels[self.channel]
    }
}
