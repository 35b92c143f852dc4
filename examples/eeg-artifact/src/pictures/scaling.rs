//! How long the same work takes with more workers, per mode, beside the ideal.

use std::collections::BTreeSet;

use consumer_support::picture::{Colour, Drawing, Mark, Point, short_number};

use super::Layout;
use super::axis::{Axis, range_from_zero};
use super::canvas::{Canvas, Panel};
use super::legend::{Entry, Stroke};

/// From this many times as fast on, parallel work pays: less can be chance.
const LEAST_GAIN: f64 = 1.1;
/// The points of the ideal curve.
const IDEAL_POINTS: usize = 60;

const SERIAL: Entry<'_> = Entry { label: "serial", colour: Colour::Text, stroke: Stroke::Line(1.0) };
const IDEAL: Entry<'_> = Entry { label: "ideal: serial time / workers", colour: Colour::Muted, stroke: Stroke::Points };

/// The time of one piece of work over the number of workers.
///
/// ```
/// use eeg_artifact::pictures::{Layout, ModeTimes, ScalingPicture};
///
/// let threads = ModeTimes { mode: "threads", seconds: vec![(1, 4.1), (2, 2.2)] };
/// let picture = ScalingPicture { title: "Scaling", serial_s: 4.0, modes: vec![threads] };
/// assert_eq!(
///     picture.verdict(),
///     "Parallel work pays: threads with 2 workers took 2.2 s, 1.82 times as fast as serial (4 s), 91 % of the ideal."
/// );
/// assert!(picture.draw(Layout::Wide).to_svg().contains("Parallel work pays"));
/// ```
#[derive(Debug, Clone)]
pub struct ScalingPicture<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// How long the work took in serial mode, in seconds.
    pub serial_s: f64,
    /// The other modes.
    pub modes: Vec<ModeTimes<'a>>,
}

/// The times of one mode.
#[derive(Debug, Clone)]
pub struct ModeTimes<'a> {
    /// Its name, such as `threads`.
    pub mode: &'a str,
    /// Numbers of workers, rising, each with the time in seconds. No workers, and times that are not above zero, are left out.
    pub seconds: Vec<(usize, f64)>,
}

/// The fastest of the measured times.
struct Fastest<'a> {
    mode: &'a str,
    workers: usize,
    seconds: f64,
}

impl<'a> ScalingPicture<'a> {
    /// Draws the picture, with the verdict above it.
    pub fn draw(&self, layout: Layout) -> Drawing {
        let mut canvas = Canvas::new(layout, self.title);
        canvas.caption("Time over workers", "s");
        canvas.remark(&self.verdict());
        let entries: Vec<Entry<'_>> = self.modes.iter().enumerate().map(|(idx, mode)| mode.entry(idx)).collect();
        canvas.legend(&entries.iter().cloned().chain([SERIAL, IDEAL]).collect::<Vec<_>>());
        let most = self.points().map(|(workers, _)| workers).max().unwrap_or(1);
        let axis = Axis::new(0.5..=most as f64 + 0.5, canvas.left, canvas.right);
        let panel = canvas.panel(layout.pick(300.0, 240.0), None);
        let times = self.points().map(|(_, seconds)| seconds).chain([self.serial_s]);
        match (axis, range_from_zero(times.filter(|seconds| is_time(*seconds)))) {
            (Some(axis), Some(range)) => {
                self.draw_times(&mut canvas, &axis, panel, range, &entries);
                canvas.axis_with(&self.ticks(&axis), "workers");
            }
            _ => {
                canvas.message(panel, "no data: nothing was timed");
                canvas.axis(None, "workers");
            }
        }
        canvas.finish(self.verdict())
    }

    /// Whether more workers pay, in a sentence with the times it follows from. Less than 1.1 times as fast as serial does not count.
    #[must_use]
    pub fn verdict(&self) -> String {
        let Some(fastest) = self.fastest().filter(|_| is_time(self.serial_s)) else {
            return "Nothing can be said: serial work and two workers or more must be timed.".to_owned();
        };
        let Fastest { mode, workers, seconds } = fastest;
        let gain = self.serial_s / seconds;
        let (took, serial) = (short_number(seconds), short_number(self.serial_s));
        if gain < LEAST_GAIN {
            return format!(
                "Parallel work does not pay here: the fastest, {mode} with {workers} workers, took {took} s, serial {serial} s. Stay serial."
            );
        }
        format!(
            "Parallel work pays: {mode} with {workers} workers took {took} s, {} times as fast as serial ({serial} s), {:.0} % of the ideal.",
            short_number(gain),
            100.0 * gain / workers as f64
        )
    }

    fn points(&self) -> impl Iterator<Item = (usize, f64)> + Clone {
        self.modes.iter().flat_map(ModeTimes::measured)
    }

    /// One worker is no parallel work: what it seems to gain is chance.
    fn fastest(&self) -> Option<Fastest<'a>> {
        let of = |times: &ModeTimes<'a>| {
            let mode = times.mode;
            times.measured().map(move |(workers, seconds)| Fastest { mode, workers, seconds }).collect::<Vec<_>>()
        };
        let parallel = self.modes.iter().flat_map(of).filter(|fastest| fastest.workers > 1);
        parallel.min_by(|a, b| a.seconds.total_cmp(&b.seconds))
    }

    fn draw_times(
        &self,
        canvas: &mut Canvas,
        axis: &Axis,
        panel: Panel,
        range: std::ops::RangeInclusive<f64>,
        entries: &[Entry<'_>],
    ) {
        let scale = panel.scale(range);
        canvas.value_axis(panel, &scale, 5);
        if is_time(self.serial_s) {
            let y = scale.y(self.serial_s);
            canvas.push(SERIAL.lines(vec![vec![(panel.left, y), (panel.right, y)]]));
            canvas.push(IDEAL.lines(vec![self.ideal().map(|(at, time)| (axis.x(at), scale.y(time))).collect()]));
        }
        for (mode, entry) in self.modes.iter().zip(entries) {
            let place = |(workers, seconds): (usize, f64)| (axis.x(workers as f64), scale.y(seconds));
            let places: Vec<Point> = mode.measured().map(place).collect();
            canvas.push(entry.lines(vec![places.clone()]));
            canvas.push(Mark::Dots { centres: places, colour: entry.colour, radius: 3.5 });
        }
    }

    /// Times from one worker to the most, in small steps.
    fn ideal(&self) -> impl Iterator<Item = (f64, f64)> {
        let most = self.points().map(|(workers, _)| workers).max().unwrap_or(1) as f64;
        let at = move |idx: usize| 1.0 + (most - 1.0) * idx as f64 / (IDEAL_POINTS - 1) as f64;
        (0..IDEAL_POINTS).map(move |idx| (at(idx), self.serial_s / at(idx)))
    }

    /// The numbers of workers that were timed.
    fn ticks(&self, axis: &Axis) -> Vec<(f64, String)> {
        let counts: BTreeSet<usize> = self.points().map(|(workers, _)| workers).collect();
        counts.into_iter().map(|workers| (axis.x(workers as f64), workers.to_string())).collect()
    }
}

impl<'a> ModeTimes<'a> {
    /// Without what cannot be a measurement.
    fn measured(&self) -> impl Iterator<Item = (usize, f64)> + Clone {
        self.seconds.iter().copied().filter(|(workers, seconds)| *workers > 0 && is_time(*seconds))
    }

    /// Four kinds of lines, so that modes differ by more than their colour.
    fn entry(&self, idx: usize) -> Entry<'a> {
        let strokes = [Stroke::Line(1.8), Stroke::Dashes, Stroke::Line(3.6), Stroke::Points];
        Entry { label: self.mode, colour: Colour::Series(idx), stroke: strokes[idx % strokes.len()] }
    }
}

fn is_time(seconds: f64) -> bool {
    seconds > 0.0 && seconds.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(serial_s: f64, seconds: &[(usize, f64)]) -> String {
        let modes = vec![ModeTimes { mode: "threads", seconds: seconds.to_vec() }];
        ScalingPicture { title: "", serial_s, modes }.verdict()
    }

    #[test]
    fn a_gain_within_chance_does_not_pay() {
        assert!(
            verdict(4.0, &[(1, 4.4), (2, 3.9)]).starts_with("Parallel work does not pay here: the fastest, threads")
        );
        assert!(verdict(4.0, &[(1, 4.4), (2, 3.0)]).starts_with("Parallel work pays"));
    }

    #[test]
    fn one_worker_that_is_faster_by_chance_is_no_parallel_work() {
        assert!(verdict(4.0, &[(1, 2.0), (2, 3.9)]).starts_with("Parallel work does not pay"));
        assert!(verdict(4.0, &[(1, 2.0)]).starts_with("Nothing can be said"));
        assert!(verdict(4.0, &[(1, 1.9), (2, 2.0)]).starts_with("Parallel work pays: threads with 2 workers"));
    }

    #[test]
    fn without_times_nothing_is_said() {
        for (serial_s, seconds) in [(f64::NAN, &[(1, 1.0)][..]), (1.0, &[]), (1.0, &[(2, f64::NAN), (2, 0.0)])] {
            assert!(verdict(serial_s, seconds).starts_with("Nothing can be said"));
        }
    }
}
