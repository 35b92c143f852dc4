//! What searches many light curves: the cores alone, or a graphics processor with the cores behind it.

use gpu::{Device, GpuError, Ran};

use super::{BoxFit, BoxSearch, DeviceSearch};
use crate::curve::LightCurve;
use crate::error::TransitError;

/// Searches one light curve after the other where it can; what a device cannot do, the cores do.
///
/// ```
/// use transit_search::{BoxSearch, BoxSearcher, Objective, Weights, best_fit, linear_periods, synthetic_curve};
///
/// let search = BoxSearch {
///     periods: linear_periods(2.0, 4.0, 500)?,
///     durations: vec![0.1, 0.2],
///     oversample: 10,
///     objective: Objective::Likelihood,
///     weights: Weights::Errors,
/// };
/// let mut searcher = BoxSearcher::anywhere(gpu::Device::find());
/// let searched = searcher.run(&search, &synthetic_curve(0).curve)?;
/// let (_, best) = best_fit(&searched.fits).unwrap();
/// println!("{} days, found by {}", best.period, searched.by.ran);
/// # Ok::<(), transit_search::TransitError>(())
/// ```
#[derive(Debug)]
pub struct BoxSearcher {
    device: Option<DeviceSearch>,
    /// Why there is no device, where there should be one.
    fault: Option<GpuError>,
}

/// A search and what made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Searched {
    /// The best box at each period; the best of them is the same, whatever searched.
    pub fits: Vec<BoxFit>,
    /// What searched.
    pub by: SearchedBy,
}

/// What made a search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchedBy {
    /// The cores, or a device.
    pub ran: Ran,
    /// Why the cores did it, where a device should have.
    pub fault: Option<GpuError>,
}

impl SearchedBy {
    /// The cores, as was requested.
    #[must_use]
    pub fn cores() -> Self {
        Self { ran: Ran::Cpu, fault: None }
    }
}

impl BoxSearcher {
    /// The cores alone.
    #[must_use]
    pub fn on_cores() -> Self {
        Self { device: None, fault: None }
    }

    /// The device that was found; or the cores, and each search says why.
    #[must_use]
    pub fn anywhere(device: Result<Device, GpuError>) -> Self {
        match device.and_then(|device| DeviceSearch::new(&device)) {
            Ok(device) => Self { device: Some(device), fault: None },
            Err(fault) => Self { device: None, fault: Some(fault) },
        }
    }

    /// The best box at each period. A device that cannot search this light curve is used for the next one, and one that is lost or refuses
    /// is not.
    ///
    /// # Errors
    /// As [`BoxSearch::run`].
    pub fn run(&mut self, search: &BoxSearch, curve: &LightCurve) -> Result<Searched, TransitError> {
        let prepared = search.prepare(curve)?;
        if let Some(device) = &self.device {
            match device.run(&prepared, &search.periods) {
                Ok(found) => {
                    let by = SearchedBy { ran: device.ran(), fault: None };
                    return Ok(Searched { fits: found.fits, by });
                }
                Err(fault @ (GpuError::Input(_) | GpuError::TooLarge { .. })) => {
                    return on_cores(search, curve, Some(fault));
                }
                Err(fault) => {
                    self.device = None;
                    self.fault = Some(fault);
                }
            }
        }
        on_cores(search, curve, self.fault.clone())
    }
}

fn on_cores(search: &BoxSearch, curve: &LightCurve, fault: Option<GpuError>) -> Result<Searched, TransitError> {
    Ok(Searched { fits: search.run(curve)?, by: SearchedBy { ran: Ran::Cpu, fault } })
}
