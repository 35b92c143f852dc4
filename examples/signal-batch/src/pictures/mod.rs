//! Pictures of measurements: distributions, groups beside each other, and control charts.
//!
//! Callers fill a plain struct for each panel. Drawing is pure: the same input gives the same bytes, and no number is computed that is
//! not in the input, other than counts, ranges and the bins of a histogram. A picture has a bounded number of marks, however many values
//! there are. Values that cannot be placed (NaN, infinities, magnitudes of 1e150 and above) are left out, and the panel says how many.
//! The writers of SVG and HTML are in `consumer_support`.

mod axis;
mod control_chart;
mod distribution;
mod grid;
mod group_boxes;
mod histogram;

use consumer_support::page::Figure;
use consumer_support::picture::Drawing;

pub use control_chart::ControlPanel;
pub use distribution::DistributionPanel;
pub use group_boxes::{GroupBox, GroupPanel, MOST_GROUPS};
pub use histogram::{Histogram, histogram};

/// For which width a picture is drawn. Text keeps its size, so a narrow picture shows fewer panels side by side, not smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// 1120 pixels: a desktop window, a slide, a printed page.
    Wide,
    /// 356 pixels: a phone.
    Narrow,
}

impl Layout {
    fn width(self) -> f64 {
        self.pick(1120.0, 356.0)
    }

    /// The one that belongs to this layout.
    fn pick<T>(self, wide: T, narrow: T) -> T {
        match self {
            Self::Wide => wide,
            Self::Narrow => narrow,
        }
    }
}

/// A histogram and a box for each metric, three side by side where there is room.
///
/// ```
/// use signal_batch::pictures::{DistributionPanel, distributions};
///
/// let panel = DistributionPanel { name: "rms", unit: "V", values: &[1.0, 1.1, 1.2, 9.0], outliers: vec![9.0] };
/// let figure = distributions("Distributions", &[panel]);
/// assert!(figure.wide.to_svg().contains("rms"));
/// ```
#[must_use]
pub fn distributions(heading: &str, panels: &[DistributionPanel<'_>]) -> Figure {
    let caption = "Above: how many captures have a value in each bin. Below: the box holds the middle half of the values, its line is the \
                   median, whiskers reach to the last values that are no outliers, and dots are the outliers.";
    figure(heading, caption, |layout| distribution::draw(heading, panels, layout))
}

/// The values of each group as boxes below each other, for each metric.
///
/// ```
/// use signal_batch::pictures::{GroupBox, GroupPanel, groups};
///
/// let group = |name, values| GroupBox { name, values, outliers: vec![] };
/// let panel = GroupPanel { name: "rms", unit: "V", groups: vec![group("a", vec![1.0, 2.0]), group("b", vec![3.0])], n_hidden: 0 };
/// assert!(groups("Batches", &[panel]).narrow.to_svg().contains("rms"));
/// ```
#[must_use]
pub fn groups(heading: &str, panels: &[GroupPanel<'_>]) -> Figure {
    let caption = "Each box holds the middle half of the values of a batch, its line is the median, whiskers reach to the last values \
                   that are no outliers within the batch, and dots are the outliers.";
    figure(heading, caption, |layout| group_boxes::draw(heading, panels, layout))
}

/// Values in the order of time, their mean, and their control limits, one chart below the other. `order` says what the order is.
///
/// ```
/// use signal_batch::pictures::{ControlPanel, control_charts};
///
/// let panel = ControlPanel {
///     name: "rms",
///     unit: "V",
///     values: vec![1.0, 1.1, 1.0, 5.0],
///     names: &["u1", "u2", "u3", "u4"],
///     mean: 2.0,
///     limits: (0.0, 4.0),
///     outside: vec![3],
/// };
/// assert!(control_charts("Control charts", "by row", &[panel], &[]).wide.to_svg().contains("u4"));
/// ```
#[must_use]
pub fn control_charts(heading: &str, order: &str, panels: &[ControlPanel<'_>], ticks: &[(usize, String)]) -> Figure {
    let caption = format!(
        "Individual values, {order}. The line is the mean; the dashed lines are the mean \u{b1} 2.66 mean moving ranges, which are \
         three deviations of the short-term noise. Larger dots are outside of the limits; the furthest have their \
         name where there is room."
    );
    figure(heading, &caption, |layout| control_chart::draw(heading, panels, ticks, layout))
}

fn figure(heading: &str, caption: &str, draw: impl Fn(Layout) -> Drawing) -> Figure {
    let (wide, narrow) = (draw(Layout::Wide), draw(Layout::Narrow));
    Figure { heading: heading.to_owned(), caption: caption.to_owned(), wide, narrow, files: Vec::new() }
}
