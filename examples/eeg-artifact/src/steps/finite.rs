//! What every step that transforms a whole channel asks of its samples.

use crate::{ChannelContext, ChannelData, EegError, EegResult};

/// Whether a channel has as many samples as the recording, each of them a finite number. One that is not would spread over the whole
/// channel without a word. The cost is a look at each sample.
///
/// # Errors
/// [`EegError::Channel`] that names the first sample that is not finite.
pub(super) fn require_finite(at: &ChannelContext<'_>, data: &ChannelData) -> EegResult<()> {
    let n_samples = at.info.n_samples;
    for (what, values) in [("samples", Some(&data.samples)), ("noise", data.noise.as_ref())] {
        let Some(values) = values else { continue };
        if values.len() != n_samples {
            let reason = format!("it has {} values of {what}, and the recording has {n_samples} samples", values.len());
            return Err(EegError::channel(&at.channel().name, reason));
        }
        if let Some(idx) = values.iter().position(|value| !value.is_finite()) {
            let reason =
                format!("{what}: value {} at sample {idx} is not finite; mend or drop the channel", values[idx]);
            return Err(EegError::channel(&at.channel().name, reason));
        }
    }
    Ok(())
}
