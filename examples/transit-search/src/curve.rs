//! A light curve: times, fluxes and their errors, as three columns of the same length.

use std::path::Path;

use consumer_support::input::{Budget, RecordLimit, read_whole};

use crate::error::TransitError;
use crate::fits::{self, Fault};

/// The columns of a table of a light curve.
pub const CURVE_COLUMNS: [&str; 3] = ["time_days", "flux", "flux_err"];

/// Below this many usable points a light curve is refused.
pub const FEWEST_POINTS: usize = 3;

/// Rows as they were read: any number may be missing, which is NaN.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawCurve {
    /// Days.
    pub time: Vec<f64>,
    /// Relative: 1 out of transit.
    pub flux: Vec<f64>,
    /// The error of each flux, in the same unit.
    pub error: Vec<f64>,
}

/// A light curve that can be used: all numbers finite, errors above zero, times in order, at least three points.
///
/// ```
/// use transit_search::{LightCurve, RawCurve};
/// let raw = RawCurve { time: vec![0.0, 0.5, 1.0, 1.5], flux: vec![1.0, f64::NAN, 0.99, 1.0], error: vec![0.001; 4] };
/// let curve = LightCurve::of(&raw)?;
/// assert_eq!((curve.len(), curve.time()), (3, &[0.0, 1.0, 1.5][..]));
/// # Ok::<(), transit_search::TransitError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LightCurve {
    time: Vec<f64>,
    flux: Vec<f64>,
    error: Vec<f64>,
}

impl RawCurve {
    /// Reads a CSV table with the columns [`CURVE_COLUMNS`], in any order and among others; or a FITS file, recognised by its first bytes:
    /// the first table that has a column `TIME` and one of [`FLUX_COLUMNS`](crate::FLUX_COLUMNS), with its errors. Fluxes that a FITS
    /// table gives in a unit are divided by their median, and their errors as well, since all here is relative. Rows that a `QUALITY`
    /// column marks are kept.
    ///
    /// # Errors
    /// The file cannot be read or is no regular file, lacks a column, has a row that is cut short, or a field that is no number;
    /// [`TransitError::OverBudget`] for a file of more than 512 MiB, or one that claims or unpacks to too much.
    pub fn read(path: &Path) -> Result<Self, TransitError> {
        let bytes = read_whole(path, Budget::STANDARD.whole_file_bytes);
        Self::from_bytes(path, &bytes.map_err(|error| TransitError::input(path, error))?)
    }

    /// Reads what a file at this path holds, which only errors name: see [`RawCurve::read`].
    ///
    /// # Errors
    /// As [`RawCurve::read`].
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, TransitError> {
        if fits::is_fits(bytes) {
            return fits::read(bytes).map_err(|fault| match fault {
                Fault::Reason(why) => malformed(path, why),
                Fault::OverBudget(over) => TransitError::OverBudget { path: path.to_owned(), over },
            });
        }
        Self::from_csv(path, bytes)
    }

    fn from_csv(path: &Path, bytes: &[u8]) -> Result<Self, TransitError> {
        let mut reader = csv::Reader::from_reader(RecordLimit::new(bytes, Budget::STANDARD.record_bytes));
        let refused = |error: csv::Error| csv_error(path, error);
        let head = reader.headers().map_err(refused)?.clone();
        let mut places = [0; 3];
        for (place, name) in places.iter_mut().zip(CURVE_COLUMNS) {
            let found = head.iter().position(|column| column.trim() == name);
            *place = found.ok_or_else(|| malformed(path, format!("it has no column {name}")))?;
        }
        let mut curve = Self::default();
        let mut record = csv::StringRecord::new();
        for row in 0.. {
            reader.get_mut().next_record();
            if !reader.read_record(&mut record).map_err(refused)? {
                break;
            }
            for (place, column) in places.into_iter().zip([&mut curve.time, &mut curve.flux, &mut curve.error]) {
                let field = record.get(place).unwrap_or_default();
                column.push(
                    number(field)
                        .ok_or_else(|| malformed(path, format!("{field:?} on line {} is no number", row + 2)))?,
                );
            }
        }
        Ok(curve)
    }
}

/// A number; NaN for an empty field.
fn number(field: &str) -> Option<f64> {
    match field.trim() {
        "" => Some(f64::NAN),
        text => text.parse().ok(),
    }
}

/// The error of a table; a row without an end is over the budget.
fn csv_error(path: &Path, error: csv::Error) -> TransitError {
    let message = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => TransitError::input(path, error.into()),
        _ => malformed(path, message),
    }
}

fn malformed(path: &Path, why: String) -> TransitError {
    TransitError::Malformed { path: path.to_owned(), why }
}

impl LightCurve {
    /// Drops each row with a number that is not finite or an error that is not above zero, and does nothing else: nothing is
    /// normalised, sorted, clipped or detrended.
    ///
    /// # Errors
    /// Fewer than [`FEWEST_POINTS`] rows are left, or time goes back.
    ///
    /// # Panics
    /// When the columns are of different lengths.
    pub fn of(raw: &RawCurve) -> Result<Self, TransitError> {
        assert!(raw.time.len() == raw.flux.len() && raw.time.len() == raw.error.len(), "columns of one length");
        let rows = raw.time.iter().zip(&raw.flux).zip(&raw.error).map(|((&time, &flux), &error)| (time, flux, error));
        let (mut without_numbers, mut without_error) = (0, 0);
        let mut curve = Self { time: Vec::new(), flux: Vec::new(), error: Vec::new() };
        for (time, flux, error) in rows {
            if !(time.is_finite() && flux.is_finite() && error.is_finite()) {
                without_numbers += 1;
            } else if error <= 0.0 {
                without_error += 1;
            } else {
                curve.time.push(time);
                curve.flux.push(flux);
                curve.error.push(error);
            }
        }
        let (read, kept, needed) = (raw.time.len(), curve.len(), FEWEST_POINTS);
        if kept < needed {
            return Err(TransitError::TooFewPoints { read, kept, needed, without_numbers, without_error });
        }
        if let Some(row) = (1..kept).find(|&row| curve.time[row] < curve.time[row - 1]) {
            return Err(TransitError::NotAscending { row, before: curve.time[row - 1], time: curve.time[row] });
        }
        Ok(curve)
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Never: a light curve has [`FEWEST_POINTS`].
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Days, ascending.
    pub fn time(&self) -> &[f64] {
        &self.time
    }

    /// Relative fluxes.
    pub fn flux(&self) -> &[f64] {
        &self.flux
    }

    /// Errors of the fluxes.
    pub fn error(&self) -> &[f64] {
        &self.error
    }

    /// From the first point to the last, days.
    pub fn span(&self) -> f64 {
        self.time[self.len() - 1] - self.time[0]
    }

    /// Checks that the flux varies.
    ///
    /// # Errors
    /// All fluxes are the same.
    pub fn require_variation(&self) -> Result<(), TransitError> {
        let flux = self.flux[0];
        if self.flux.iter().all(|&other| other == flux) {
            return Err(TransitError::ConstantFlux { flux, points: self.len() });
        }
        Ok(())
    }
}
