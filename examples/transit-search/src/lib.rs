//! Box least squares, transit least squares and 27 features of light curves: the numbers by which transit candidates are judged.
//!
//! The science uses neither threads nor processes: its functions take one light curve. Units are days and relative fluxes, 1 out of
//! transit. Light curves are read from CSV and from tables in FITS files, which give times in days of their own: a catalogue's
//! epoch must be on the same clock, such as BJD - 2457000 for TESS.
//!
//! A graphics processor may look for the boxes; the best ones are fitted again here, with double precision.
//!
//! The numbers are tested against those of astropy and of the package transitleastsquares.

mod bls;
mod catalogue;
mod curve;
mod error;
mod features;
mod fits;
mod numbers;
mod periods;
mod synthetic;
mod tls;

pub use bls::{
    BoxFit, BoxFitter, BoxSearch, BoxSearcher, BoxStatistics, Depth, DeviceFits, DeviceSearch, Objective,
    PreparedSearch, Searched, SearchedBy, Weights, best_fit, box_statistics,
};
pub use catalogue::Catalogue;
pub use curve::{CURVE_COLUMNS, FEWEST_POINTS, LightCurve, RawCurve};
pub use error::TransitError;
pub use features::{Extraction, FEATURE_NAMES, Features, Profile, SEARCH_DURATIONS, search_window};
pub use fits::FLUX_COLUMNS;
pub use periods::{AutoPeriod, linear_periods};
pub use synthetic::{SyntheticCurve, Truth, synthetic_curve};
pub use tls::{TransitFit, TransitSpectrum, transit_least_squares};
