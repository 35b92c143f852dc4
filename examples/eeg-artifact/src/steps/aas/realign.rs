//! Moves triggers to where the templates of one channel fit best, by the reference's rules.

use super::layout::Layout;
use crate::ChannelData;
use crate::dsp::best_lag;

/// The triggers that the channel with these templates asks for, no fractions, and how far each moved.
///
/// A trigger whose search would reach beyond the recording stays. An artifact that begins before the recording correlates nowhere, so its
/// trigger moves left by the whole radius, as in the reference; nothing is subtracted there either way.
pub(super) fn align(
    layout: &Layout<'_>,
    data: &ChannelData,
    window_size: usize,
    radius: usize,
) -> (Vec<i64>, Option<Vec<f64>>, Vec<f64>) {
    let templates = data.carried.as_deref().unwrap_or_default();
    let lags: Vec<i64> = (0..layout.n_epochs())
        .map(|epoch| {
            let block = epoch / window_size;
            let template = &templates[block * layout.length..(block + 1) * layout.length];
            segment(layout, &data.samples, epoch, radius).map_or(0, |segment| best_lag(segment, template, radius))
        })
        .collect();
    let samples = layout.triggers.iter().zip(&lags).map(|(trigger, lag)| trigger.saturating_add(*lag)).collect();
    (samples, None, lags.into_iter().map(|lag| lag as f64).collect())
}

/// From where the artifact begins to a search radius after the artifact's length, counted from the trigger. Nothing where it begins before
/// the recording; none where the stretch ends outside of the recording or before it begins.
fn segment<'s>(layout: &Layout<'_>, samples: &'s [f64], epoch: usize, radius: usize) -> Option<&'s [f64]> {
    let reach = i64::try_from(layout.length.saturating_add(radius)).ok()?;
    let end = usize::try_from(layout.triggers[epoch].saturating_add(reach)).ok().filter(|end| *end <= samples.len())?;
    match usize::try_from(layout.start(epoch)) {
        Ok(start) => samples.get(start..end),
        Err(_) => Some(&[]),
    }
}
