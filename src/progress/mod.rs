//! Where a run's progress goes: the target that the program sets.
//!
//! The core writes how a run goes into a `RunStatus` (`watch.rs`, which says who calls what), a painter's thread
//! (`render_thread.rs`) looks at it and shows it: as a bar (`bar.rs`), lines (`lines.rs`) or JSON (`json.rs`). When
//! something is due is decided in `due.rs`, what it says in `text.rs`; how long the rest takes in `estimate.rs`.
//! `tracker.rs` counts, also for programs that do the work themselves.

#[cfg(feature = "progress")]
mod bar;
mod due;
mod estimate;
#[cfg(feature = "progress")]
mod json;
mod lines;
mod render_thread;
mod run_status;
mod text;
mod tracker;

#[cfg(feature = "progress")]
use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

use due::{Heartbeat, Stalls};
use render_thread::{RenderState, Renderer, Writer};

pub use estimate::Eta;
pub use tracker::{Ending, ProgressTracker, TrackerSnapshot};

pub(crate) use render_thread::RenderThread;
#[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) use run_status::InFlightGuard;
pub(crate) use run_status::RunStatus;

use crate::sync::Arc;

/// How far a run is. Counts are of finished items, never of started ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Items that have a value, have failed, or were finished before the run.
    pub done: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// Those of them that were finished before the run.
    pub resumed: usize,
    /// How often a failed item was tried again.
    pub retries: usize,
    /// All items of the call; of items that come one after another, those that have come.
    pub total: usize,
    /// Since the call began.
    pub elapsed: Duration,
}

impl Snapshot {
    /// The share of items that are finished, 0 to 100; 100 for a call without items.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for the eye")]
    pub fn percent(&self) -> f64 {
        if self.total == 0 { 100.0 } else { 100.0 * self.done as f64 / self.total as f64 }
    }
}

/// Where a run's progress goes.
///
/// | target | what is shown |
/// |---|---|
/// | [`auto`](Self::auto) | the bar on a terminal, lines elsewhere; `MANYHANDS_PROGRESS` can choose |
/// | [`bar`](Self::bar) | one line that is drawn again and again; nothing where standard error is no terminal |
/// | [`lines`](Self::lines) | a line now and then |
/// | [`json`](Self::json) | an object per line, for machines |
/// | [`callback`](Self::callback) | what the program makes of a [`Snapshot`] |
/// | [`off`](Self::off) | nothing |
///
/// All but the callback write to standard error. They tell of an item that is in hand for suspiciously long, once
/// ([`stall_after`](Self::stall_after)), and at the end how the run ended. The time left rests on what this run
/// computes: neither on resumed items nor on the time that workers take to start.
///
/// # Concurrency
/// One thread draws, ten times a second at most; no worker ever waits for it. If standard error cannot be written to,
/// the run goes on; if nobody reads it and it is full, the end of the run waits for two seconds, and not longer. When
/// the call returns, nothing is written any more. What the program prints meanwhile begins a line of its own, and the
/// bar is drawn anew below it. Two bars at a time would draw over each other: of runs at the same time, one may have a
/// bar.
///
/// A callback runs in the calling thread, never in a worker: it may borrow, and a slow one delays the next report but
/// no work. It is `Send`, so that a job with progress is. If it panics, the run is stopped, what has run is put away,
/// and the panic goes on in the calling thread.
///
/// ```
/// use manyhands::{Job, Progress};
///
/// let mut last = 0.0;
/// let progress = Progress::callback(|snapshot| last = snapshot.percent());
/// Job::new(&[1, 2, 3]).progress(progress).run(|n| n * 2)?.into_result()?;
/// assert_eq!(last, 100.0);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[must_use = "progress shows nothing until a job has it"]
pub struct Progress<'a> {
    target: Target<'a>,
    name: String,
    every_items: u64,
    every: Option<Duration>,
    stall_after: Duration,
}

enum Target<'a> {
    /// What the environment or the terminal says.
    #[cfg(feature = "progress")]
    Auto,
    Drawn(Kind),
    Callback(Box<dyn FnMut(&Snapshot) + Send + 'a>),
}

/// What a painter can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Off,
    #[cfg(feature = "progress")]
    Bar,
    Lines,
    #[cfg(feature = "progress")]
    Json,
}

const LINES_EVERY: Duration = Duration::from_secs(10);
#[cfg(feature = "progress")]
const JSON_EVERY: Duration = Duration::from_secs(1);
const STALL_AFTER: Duration = Duration::from_secs(30);

impl<'a> Progress<'a> {
    /// The bar where standard error is a terminal, else lines. The environment variable `MANYHANDS_PROGRESS` can choose
    /// instead: `off`, `bar`, `lines` or `json`; any other word is an error of the call.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let squares = Job::new(&[1, 2, 3]).progress(Progress::auto("squares")).run(|n| n * n)?;
    /// assert_eq!(squares.into_result()?, [1, 4, 9]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[cfg(feature = "progress")]
    pub fn auto(name: impl Into<String>) -> Self {
        Self::with(Target::Auto, name.into())
    }

    /// One line on the terminal: name, percent, a bar, items done and in all, failures, successes, items per second,
    /// time left; as much of it as there is room for. Where standard error is no terminal, nothing is shown.
    ///
    /// Of the time left, `~3m` is the best guess while it may be off by far; lines have the range.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let outcome = Job::new(&[1, 2, 3]).progress(Progress::bar("squares")).run(|n| n * n)?;
    /// assert_eq!(outcome.tally().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[cfg(feature = "progress")]
    pub fn bar(name: impl Into<String>) -> Self {
        Self::with(Target::Drawn(Kind::Bar), name.into())
    }

    /// A line every ten seconds, or as [`every`](Self::every) and [`every_items`](Self::every_items) say, and one at
    /// the end: `features: 45%, 450/1000, 7 failed, 98.4% ok, 10.0/s, 50s to 59s left`.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let progress = Progress::lines("squares").every_items(1000);
    /// let outcome = Job::new(&[1, 2, 3]).progress(progress).run(|n| n * n)?;
    /// assert_eq!(outcome.tally().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn lines(name: impl Into<String>) -> Self {
        Self::with(Target::Drawn(Kind::Lines), name.into())
    }

    /// A JSON object per line: at once, every second or as [`every`](Self::every) and
    /// [`every_items`](Self::every_items) say, and at the end. Fields may be added; these stay:
    ///
    /// | field | |
    /// |---|---|
    /// | `event` | `progress`; `stalled`, see [`stall_after`](Self::stall_after); `ended`, the last one |
    /// | `name` | of the run |
    /// | `phase` | `starting` until the first item is begun, `running`, `stopping` once nothing new is started |
    /// | `done`, `total` | items that have ended, and all; the total is null while it is unknown |
    /// | `succeeded`, `failed`, `skipped`, `resumed` | how they ended; their sum is `done` |
    /// | `retried`, `lost_workers`, `recycled_workers` | counts |
    /// | `in_hand` | items that workers have taken and not finished |
    /// | `elapsed_seconds` | since the run began |
    /// | `items_per_second` | computed ones, since the first was begun |
    /// | `eta_seconds`, `eta_at_least_seconds`, `eta_at_most_seconds` | as in [`Eta`]; null while unknown, and once nothing more is to come |
    /// | `item` | the one that stalls, else the oldest in hand, or null: `index`, `name` or null, `seconds` in hand, and `n_items`: if more than 1, it is one of so many that were taken in hand together, of which this is the first |
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let outcome = Job::new(&[1, 2, 3]).progress(Progress::json("squares")).run(|n| n * n)?;
    /// assert_eq!(outcome.tally().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[cfg(feature = "progress")]
    pub fn json(name: impl Into<String>) -> Self {
        Self::with(Target::Drawn(Kind::Json), name.into())
    }

    /// Calls a function with a snapshot whenever workers have reported, and once at the end.
    pub fn callback(callback: impl FnMut(&Snapshot) + Send + 'a) -> Self {
        Self::with(Target::Callback(Box::new(callback)), String::new())
    }

    /// Shows nothing.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let is_quiet = true;
    /// let progress = if is_quiet { Progress::off() } else { Progress::lines("squares") };
    /// let outcome = Job::new(&[1, 2, 3]).progress(progress).run(|n| n * n)?;
    /// assert_eq!(outcome.tally().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn off() -> Self {
        Self::with(Target::Drawn(Kind::Off), String::new())
    }

    /// For lines and JSON: one whenever the number of finished items has passed a multiple of this; 0, the default,
    /// for lines by time alone. Time goes on counting too, see [`every`](Self::every).
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let progress = Progress::lines("squares").every_items(2); // at 2, at 4 and at the end, or fewer if quick
    /// let outcome = Job::new(&[1, 2, 3, 4, 5]).progress(progress).run(|n| n * n)?;
    /// assert_eq!(outcome.tally().succeeded, 5);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn every_items(mut self, n_items: u64) -> Self {
        self.every_items = n_items;
        self
    }

    /// For lines and JSON: one when so much time has passed since the last; `Duration::MAX` for lines by items alone.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    /// use std::time::Duration;
    ///
    /// let progress = Progress::lines("squares").every(Duration::from_secs(60));
    /// let outcome = Job::new(&[1, 2, 3]).progress(progress).run(|n| n * n)?;
    /// assert_eq!(outcome.tally().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn every(mut self, time: Duration) -> Self {
        self.every = Some(time);
        self
    }

    /// Tells of an item, once, when it has been in hand for longer than this and for longer than ten times the mean.
    /// Default 30 seconds; `Duration::MAX` for never.
    ///
    /// Items are taken in hand by chunks. Of a chunk of many, nothing is known but when it was begun: all of its items
    /// have to be late.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    /// use std::time::Duration;
    ///
    /// // `nights: item 3 has been in hand for 10m 0s; the mean is 42s`
    /// let progress = Progress::lines("nights").stall_after(Duration::from_secs(600));
    /// let outcome = Job::new(&[1, 2, 3]).progress(progress).run(|n| n * n)?;
    /// assert_eq!(outcome.tally().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn stall_after(mut self, time: Duration) -> Self {
        self.stall_after = time;
        self
    }

    fn with(target: Target<'a>, name: String) -> Self {
        Self { target, name, every_items: 0, every: None, stall_after: STALL_AFTER }
    }

    /// Calls the callback, if that is the target. Runs in the calling thread.
    pub(crate) fn show(&mut self, snapshot: &Snapshot) {
        if let Target::Callback(callback) = &mut self.target {
            callback(snapshot);
        }
    }

    /// Begins to show a run, if the target is one that is drawn. Called when the settings are checked and before
    /// anything is started; whoever calls it keeps the painter until nothing of the run is alive, and then ends it.
    ///
    /// # Errors
    /// When the environment asks for a target that there is not.
    pub(crate) fn start(&self, watch: &Arc<RunStatus>) -> Result<Option<RenderThread>, UnknownTarget> {
        let kind = match self.target {
            #[cfg(feature = "progress")]
            Target::Auto => chosen(std::env::var_os(VARIABLE).as_deref(), bar::is_possible())?,
            Target::Drawn(kind) => kind,
            Target::Callback(_) => Kind::Off,
        };
        let state = Arc::new(RenderState::new());
        let Some(renderer) = self.renderer(kind, Arc::clone(&state)) else { return Ok(None) };
        Ok(RenderThread::start(state, Arc::clone(watch), Stalls::new(self.stall_after), renderer))
    }

    fn renderer(&self, kind: Kind, state: Arc<RenderState>) -> Option<Box<dyn Renderer>> {
        let name = self.name.clone();
        match kind {
            Kind::Off => None,
            #[cfg(feature = "progress")]
            Kind::Bar if !bar::is_possible() => None,
            #[cfg(feature = "progress")]
            Kind::Bar => Some(Box::new(bar::Bar::on_stderr(name, state))),
            Kind::Lines => {
                Some(Box::new(lines::Lines::new(name, self.heartbeat(LINES_EVERY), Writer::on_stderr(state))))
            }
            #[cfg(feature = "progress")]
            Kind::Json => {
                Some(Box::new(json::JsonLines::new(name, self.heartbeat(JSON_EVERY), Writer::on_stderr(state))))
            }
        }
    }

    fn heartbeat(&self, usual: Duration) -> Heartbeat {
        Heartbeat::new(self.every_items, self.every.unwrap_or(usual))
    }
}

#[cfg(feature = "progress")]
const VARIABLE: &str = "MANYHANDS_PROGRESS";

/// The environment asks for a target that there is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownTarget(String);

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(asked) = self;
        write!(f, "environment variable MANYHANDS_PROGRESS is {asked:?}; use off, bar, lines or json, or unset it")
    }
}

/// What `auto` shows, by what the environment asks for and whether a bar can be drawn.
#[cfg(feature = "progress")]
fn chosen(asked: Option<&OsStr>, can_draw: bool) -> Result<Kind, UnknownTarget> {
    let asked = asked.unwrap_or_default().to_string_lossy();
    match asked.trim().to_ascii_lowercase().as_str() {
        "" if can_draw => Ok(Kind::Bar),
        "" | "lines" => Ok(Kind::Lines),
        "off" => Ok(Kind::Off),
        "bar" => Ok(Kind::Bar),
        "json" => Ok(Kind::Json),
        _ => Err(UnknownTarget(asked.into_owned())),
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "progress", not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn auto_is_what_the_environment_says_and_else_what_the_terminal_allows() {
        let choose = |asked: &str, can_draw| chosen(Some(OsStr::new(asked)), can_draw);
        assert_eq!([chosen(None, true), chosen(None, false)], [Ok(Kind::Bar), Ok(Kind::Lines)]);
        assert_eq!([choose(" ", true), choose("", false)], [Ok(Kind::Bar), Ok(Kind::Lines)]);
        let asked = ["off", "bar", "Lines", " json "].map(|asked| choose(asked, true).unwrap());
        assert_eq!(asked, [Kind::Off, Kind::Bar, Kind::Lines, Kind::Json]);
        assert_eq!(
            choose("bra", true).unwrap_err().to_string(),
            r#"environment variable MANYHANDS_PROGRESS is "bra"; use off, bar, lines or json, or unset it"#
        );
    }

    #[test]
    fn nothing_is_started_for_a_callback_or_for_nothing() {
        let watch = Arc::new(RunStatus::new(Some(1)));
        for progress in [Progress::off(), Progress::callback(|_| ())] {
            assert!(progress.start(&watch).unwrap().is_none());
        }
    }
}
