//! How far a run is: [`Progress`] shows it as a bar, as lines, as JSON or by a callback; [`ProgressTracker`] counts for
//! loops of your own.

// The run writes its state into a `RunStatus` (`run_status.rs`, which says which part calls which method). A thread (`render_thread.rs`)
// reads it ten times a second and hands it to a renderer: `bar.rs`, `lines.rs` or `json.rs`. `schedule.rs` decides when
// output is due, `text.rs` and `bar_line.rs` give the texts, `estimate.rs` the time left. `tracker.rs` counts, also for
// programs that run their own loops. Nothing here knows jobs, backends or files.

#[cfg(feature = "bar")]
mod bar;
#[cfg(feature = "bar")]
mod bar_line;
mod estimate;
#[cfg(feature = "progress")]
mod json;
mod lines;
mod render_thread;
mod run_status;
mod schedule;
mod text;
mod tracker;

use std::fmt;
use std::time::Duration;

use render_thread::{RenderState, Renderer, Writer};
use schedule::{Heartbeat, Stalls};

pub use estimate::Eta;
pub use tracker::{ItemStatus, ProgressTracker, TrackerSnapshot, UnknownItemStatus};

pub(crate) use render_thread::RenderThread;
#[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
pub(crate) use run_status::InFlightGuard;
pub(crate) use run_status::RunStatus;

#[cfg(feature = "progress")]
use crate::config;
use crate::sync::Arc;

/// How far a run is, as a [callback](Progress::callback) gets it. Counts are of finished items, never of started ones.
///
/// ```
/// use manyhands::{Job, Progress};
///
/// let mut lines = Vec::new();
/// let progress = Progress::callback(|snapshot| {
///     lines.push(format!("{} of {}, {} failed", snapshot.done, snapshot.total, snapshot.failed));
/// });
/// Job::new(&[1, 2, 3]).progress(progress).run(|n| n * 2)?;
/// assert_eq!(lines.last().unwrap(), "3 of 3, 0 failed");
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Finished items: those with a value, those that failed, and those that were finished before the run.
    pub done: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// Those of them that were finished before the run.
    pub resumed: usize,
    /// Number of retries: attempts of an item after its first.
    pub retries: usize,
    /// All items of the call. Of an iterator, the items that it has given so far.
    pub total: usize,
    /// Time since the run started, without opening a journal and looking up the items of a slice in it.
    pub elapsed: Duration,
}

impl Snapshot {
    /// The share of items that are finished, 0 to 100; 100 for a call without items.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let mut percent = Vec::new();
    /// let progress = Progress::callback(|snapshot| percent.push(snapshot.percent()));
    /// Job::new(&[1, 2, 3, 4]).progress(progress).run(|n| n * 2)?;
    /// assert!(percent.is_sorted() && percent.ends_with(&[100.0]));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for display")]
    pub fn percent(&self) -> f64 {
        if self.total == 0 { 100.0 } else { 100.0 * self.done as f64 / self.total as f64 }
    }
}

/// Shows how far a run is, in the place and form that the program picks.
///
/// | target | what it shows | feature |
/// |---|---|---|
/// | [`auto`](Self::auto) | the bar on a terminal, lines elsewhere; `MANYHANDS_PROGRESS` can choose | `progress` |
#[cfg_attr(
    feature = "bar",
    doc = "| [`bar`](Self::bar) | one line that is drawn again and again; nothing where standard error is no terminal | `bar` |"
)]
#[cfg_attr(
    not(feature = "bar"),
    doc = "| `bar` | one line that is drawn again and again; nothing where standard error is no terminal | `bar` |"
)]
/// | [`lines`](Self::lines) | a line now and then | |
/// | [`json`](Self::json) | an object per line, for programs | `progress` |
/// | [`callback`](Self::callback) | what the program makes of a [`Snapshot`] | |
/// | [`off`](Self::off) | nothing | |
///
/// All but the callback write to standard error. They warn once about an item that takes suspiciously long
/// ([`stall_after`](Self::stall_after)), and the last line says how the run ended. The estimate of the time left leaves
/// out resumed items and the time that workers take to start.
///
/// # Cost
/// A bar, lines and JSON cost one thread for the run; a worker adds two short locks per chunk of items. A callback
/// costs its own time, in the calling thread.
///
/// # Concurrency
/// One thread draws, at most ten times a second; no worker waits for it. If a write to standard error fails, the run
/// goes on without that line. If standard error is a full pipe that the other side does not read, the end of the run
/// waits for two seconds at most. Nothing is written after the call has returned. Text that the program prints
/// meanwhile begins on a line of its own, and the bar is drawn again below it. Two bars would draw over each other:
/// give a bar to one of several simultaneous runs.
///
/// A callback runs in the calling thread, never in a worker: it may borrow, and a slow callback delays the next report
/// but no work. It must be `Send`, so that the job is. If it panics, the run stops, computed values are dropped, and
/// the panic continues in the calling thread.
///
/// ```
/// use manyhands::{Job, Progress};
///
/// let mut last = 0.0;
/// let progress = Progress::callback(|snapshot| last = snapshot.percent());
/// Job::new(&[1, 2, 3]).progress(progress).run(|n| n * 2)?;
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
    /// The environment or the terminal decides.
    #[cfg(feature = "progress")]
    Auto,
    Rendered(Format),
    Callback(Box<dyn FnMut(&Snapshot) + Send + 'a>),
}

/// What the render thread shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Off,
    #[cfg(feature = "bar")]
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
    /// The bar where standard error is a terminal, else lines. Without the feature `bar`, lines in both cases.
    ///
    /// The environment variable `MANYHANDS_PROGRESS` can choose instead: `off`, `bar`, `lines` or `json`. Another word
    /// is an error of the call, before it runs any item, and so is `bar` in a program that was built without the
    /// feature `bar`. It is read once per process, with the variables of [`ParallelConfig`](crate::ParallelConfig),
    /// when the first config is built.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let squares = Job::new(&[1, 2, 3]).progress(Progress::auto("squares")).run(|n| n * n)?;
    /// assert_eq!(squares.tally().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[cfg(feature = "progress")]
    pub fn auto(name: impl Into<String>) -> Self {
        Self::with(Target::Auto, name.into())
    }

    /// One line on the terminal: name, percent, a bar, items done and in all, failures, successes, items per second,
    /// time left; the most important facts first, as many as fit. Shows nothing where standard error is no terminal.
    ///
    /// A time left such as `~3m` is a best guess that may be off by far; lines show the range instead.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let outcome = Job::new(&[1, 2, 3]).progress(Progress::bar("squares")).run(|n| n * n)?;
    /// assert_eq!(outcome.tally().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[cfg(feature = "bar")]
    pub fn bar(name: impl Into<String>) -> Self {
        Self::with(Target::Rendered(Format::Bar), name.into())
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
        Self::with(Target::Rendered(Format::Lines), name.into())
    }

    /// A JSON object per line: the first at once, then every second or as [`every`](Self::every) and
    /// [`every_items`](Self::every_items) say, and one at the end. Later versions may add fields; these stay:
    ///
    /// | field | |
    /// |---|---|
    /// | `event` | `progress`; `stalled`, see [`stall_after`](Self::stall_after); `ended`, the last one |
    /// | `name` | of the run |
    /// | `phase` | `starting` until the first item begins, then `running`; `stopping` once no further item will start |
    /// | `done`, `total` | finished items, and all; the total is null while it is unknown |
    /// | `succeeded`, `failed`, `skipped`, `resumed` | finished items by [`ItemStatus`]; their sum is `done` |
    /// | `retried`, `lost_workers`, `recycled_workers` | counts |
    /// | `in_hand` | items that workers have started and not finished |
    /// | `elapsed_seconds` | since the run began |
    /// | `items_per_second` | computed items, since the first began |
    /// | `eta_seconds`, `eta_at_least_seconds`, `eta_at_most_seconds` | as in [`Eta`], in seconds; null while unknown, and once no further item will start |
    /// | `item` | the item that stalls, else the one that has been in hand for longest, or null: `index`, `name` or null, `seconds` in hand, and `n_items`, the length of its chunk, which begins with this item |
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
        Self::with(Target::Rendered(Format::Json), name.into())
    }

    /// Calls a function with a [`Snapshot`] whenever workers have reported, and once at the end.
    ///
    /// ```
    /// use manyhands::{Job, Progress};
    ///
    /// let mut calls = 0;
    /// Job::new(&[1, 2, 3]).progress(Progress::callback(|_| calls += 1)).run(|n| n * n)?;
    /// assert!(calls >= 1);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn callback(callback: impl FnMut(&Snapshot) + Send + 'a) -> Self {
        Self::with(Target::Callback(Box::new(callback)), String::new())
    }

    /// Shows nothing. For programs that switch progress by an option.
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
        Self::with(Target::Rendered(Format::Off), String::new())
    }

    /// For lines and JSON: writes one whenever the number of finished items passes a multiple of this. With 0, the
    /// default, only time decides; with any number, time still counts too (see [`every`](Self::every)).
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

    /// For lines and JSON: writes one when so much time has passed since the last. With `Duration::MAX`, only
    /// [`every_items`](Self::every_items) decides. Defaults: 10 seconds for lines, 1 second for JSON.
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

    /// Warns once about an item that has been in hand for longer than this and for longer than ten times the mean.
    /// The default is 30 seconds; `Duration::MAX` switches the warning off.
    ///
    /// Workers take items in chunks, and only the start of a chunk is known. So a chunk of `n` items is late after ten
    /// times the mean time of `n` items.
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

    /// Starts the render thread, if the target is one that is rendered. The caller has checked the settings and started
    /// nothing yet; it keeps the thread until nothing of the run is alive, and then ends it.
    ///
    /// # Errors
    /// When the environment asks for a target that does not exist, or that this program was built without.
    pub(crate) fn start(&self, status: &Arc<RunStatus>) -> Result<Option<RenderThread>, UnknownTarget> {
        let format = match self.target {
            #[cfg(feature = "progress")]
            Target::Auto => chosen_format(config::progress_target(), default_format())?,
            Target::Rendered(format) => format,
            Target::Callback(_) => Format::Off,
        };
        let state = Arc::new(RenderState::new());
        let Some(renderer) = self.renderer(format, Arc::clone(&state)) else { return Ok(None) };
        Ok(RenderThread::start(state, Arc::clone(status), Stalls::new(self.stall_after), renderer))
    }

    fn renderer(&self, format: Format, state: Arc<RenderState>) -> Option<Box<dyn Renderer>> {
        let name = self.name.clone();
        match format {
            Format::Off => None,
            #[cfg(feature = "bar")]
            Format::Bar if !bar::is_possible() => None,
            #[cfg(feature = "bar")]
            Format::Bar => Some(Box::new(bar::Bar::on_stderr(name, state))),
            Format::Lines => {
                Some(Box::new(lines::Lines::new(name, self.heartbeat(LINES_EVERY), Writer::on_stderr(state))))
            }
            #[cfg(feature = "progress")]
            Format::Json => {
                Some(Box::new(json::JsonLines::new(name, self.heartbeat(JSON_EVERY), Writer::on_stderr(state))))
            }
        }
    }

    fn heartbeat(&self, default: Duration) -> Heartbeat {
        Heartbeat::new(self.every_items, self.every.unwrap_or(default))
    }
}

/// The environment asks for a target that this program does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "progress"), expect(dead_code, reason = "only `Progress::auto` reads the environment"))]
pub(crate) enum UnknownTarget {
    /// No target has this name.
    Name(String),
    /// The program was built without the feature `bar`.
    #[cfg(any(test, not(feature = "bar")))]
    NoBar,
}

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                write!(f, "environment variable MANYHANDS_PROGRESS is {name:?}; use off, bar, lines or json, or unset it")
            }
            #[cfg(any(test, not(feature = "bar")))]
            Self::NoBar => f.write_str(
                "environment variable MANYHANDS_PROGRESS is \"bar\", and this program was built without manyhands' feature \
                 `bar`; use lines or json, or build it with the feature",
            ),
        }
    }
}

/// What [`Progress::auto`] shows when the environment does not choose.
#[cfg(feature = "progress")]
fn default_format() -> Format {
    #[cfg(feature = "bar")]
    if bar::is_possible() {
        return Format::Bar;
    }
    Format::Lines
}

#[cfg(feature = "bar")]
const BAR: Result<Format, UnknownTarget> = Ok(Format::Bar);
#[cfg(all(feature = "progress", not(feature = "bar")))]
const BAR: Result<Format, UnknownTarget> = Err(UnknownTarget::NoBar);

/// What [`Progress::auto`] shows, by the environment's word if there is one.
#[cfg(feature = "progress")]
fn chosen_format(word: Option<&str>, default: Format) -> Result<Format, UnknownTarget> {
    let word = word.unwrap_or_default();
    match word.trim().to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "lines" => Ok(Format::Lines),
        "off" => Ok(Format::Off),
        "bar" => BAR,
        "json" => Ok(Format::Json),
        _ => Err(UnknownTarget::Name(word.to_owned())),
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
    fn the_environment_chooses_and_else_the_terminal() {
        let choose = |word: &str| chosen_format(Some(word), Format::Lines);
        assert_eq!(chosen_format(None, Format::Off), Ok(Format::Off));
        assert_eq!([choose(" "), choose("")], [Ok(Format::Lines), Ok(Format::Lines)]);
        assert_eq!(["off", "Lines", " json "].map(choose), [Ok(Format::Off), Ok(Format::Lines), Ok(Format::Json)]);
        assert_eq!(choose("bar"), BAR);
        assert_eq!(
            choose("bra").unwrap_err().to_string(),
            r#"environment variable MANYHANDS_PROGRESS is "bra"; use off, bar, lines or json, or unset it"#
        );
    }

    #[test]
    fn a_bar_that_the_program_was_built_without_names_the_feature() {
        assert_eq!(BAR.is_ok(), cfg!(feature = "bar"));
        let message = UnknownTarget::NoBar.to_string();
        assert!(message.contains("MANYHANDS_PROGRESS is \"bar\"") && message.contains("feature `bar`"), "{message}");
    }

    #[test]
    fn no_thread_is_started_for_a_callback_or_for_nothing() {
        let status = Arc::new(RunStatus::new(Some(1)));
        for progress in [Progress::off(), Progress::callback(|_| ())] {
            assert!(progress.start(&status).unwrap().is_none());
        }
    }
}
