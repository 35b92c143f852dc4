//! The thread that shows a run, and how it is ended. What is shown is the canvas's business.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use crate::progress::due::Stalls;
use crate::progress::run_status::{InHand, RunStatus, View};
use crate::sync::{Arc, Condvar, Mutex, spawn_named};

/// Shows a run until it is ended. Dropping it ends it.
///
/// # Concurrency
/// One thread reads the watch ten times a second and writes; no worker ever waits for it. The end waits until the last
/// state is written, but no longer than two seconds: who reads standard error may have stopped reading, which no write
/// can know before it hangs. Then the thread is left to its write, and once it returns from that it writes nothing
/// more.
pub(crate) struct RenderThread {
    state: Arc<RenderState>,
}

/// What a run is shown on.
pub(super) trait Renderer: Send {
    /// Shows how the run is, if it is time to; called ten times a second.
    fn draw(&mut self, view: &View);
    /// Tells of a chunk that is in hand for too long.
    fn warn(&mut self, view: &View, chunk: &InHand);
    /// Shows how it ended.
    fn finish(&mut self, view: &View);
}

/// Where painter and owner meet.
pub(super) struct RenderState {
    /// Guards nothing but itself; the painter writes without it.
    phase: Mutex<Phase>,
    changed: Condvar,
    patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Drawing,
    /// The owner waits for the last state.
    Ending,
    /// The painter has written its last.
    Over,
    /// The owner waits no more.
    Abandoned,
}

/// What a canvas writes with: silent once the painter is abandoned.
pub(super) struct Writer {
    state: Arc<RenderState>,
    out: Box<dyn Write + Send>,
}

const TICK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(2);

impl RenderThread {
    /// Begins to show a run on a canvas of this stage. Where the system has no thread to give, nothing is shown: a run
    /// matters more than its display.
    pub(super) fn start(
        state: Arc<RenderState>,
        watch: Arc<RunStatus>,
        stalls: Stalls,
        renderer: Box<dyn Renderer>,
    ) -> Option<Self> {
        let theirs = Arc::clone(&state);
        let started = spawn_named("manyhands-progress".to_string(), move || render(&theirs, &watch, stalls, renderer));
        match started {
            Ok(()) => Some(Self { state }),
            Err(error) => {
                tracing::warn!(%error, "progress is not shown: the system has no thread to give");
                None
            }
        }
    }

    /// Shows the last state of the run. From its return on nothing is written, bar what is left of a write that hangs.
    pub(crate) fn end(self) {
        drop(self);
    }
}

impl Drop for RenderThread {
    fn drop(&mut self) {
        self.state.end();
    }
}

impl fmt::Debug for RenderThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderThread").field("act", &*self.state.phase.lock()).finish()
    }
}

fn render(state: &RenderState, watch: &RunStatus, mut stalls: Stalls, mut renderer: Box<dyn Renderer>) {
    /// Also after a panic, or the owner would wait in vain.
    struct Leaving<'s>(&'s RenderState);
    impl Drop for Leaving<'_> {
        fn drop(&mut self) {
            self.0.change(Phase::Over);
        }
    }
    let _leaving = Leaving(state);
    loop {
        let view = watch.view();
        for chunk in stalls.new_ones(&view) {
            renderer.warn(&view, &chunk);
        }
        renderer.draw(&view);
        if state.wait_for_the_end(TICK) != Phase::Drawing {
            return renderer.finish(&watch.view());
        }
    }
}

impl RenderState {
    pub(super) fn new() -> Self {
        Self::with_patience(PATIENCE)
    }

    pub(super) fn with_patience(patience: Duration) -> Self {
        Self { phase: Mutex::new(Phase::Drawing), changed: Condvar::new(), patience }
    }

    /// Called by the painter: sleeps for a tick, or until the owner ends the run.
    fn wait_for_the_end(&self, tick: Duration) -> Phase {
        let mut phase = self.phase.lock();
        while *phase == Phase::Drawing {
            let is_up = self.changed.wait_for(&mut phase, tick);
            if is_up {
                break;
            }
        }
        *phase
    }

    /// Called by the owner.
    fn end(&self) {
        let mut phase = self.phase.lock();
        if *phase == Phase::Drawing {
            *phase = Phase::Ending;
            self.changed.notify_all();
        }
        while *phase == Phase::Ending {
            let is_up = self.changed.wait_for(&mut phase, self.patience);
            if is_up && *phase == Phase::Ending {
                *phase = Phase::Abandoned;
            }
        }
    }

    fn change(&self, to: Phase) {
        *self.phase.lock() = to;
        self.changed.notify_all();
    }

    pub(super) fn is_abandoned(&self) -> bool {
        *self.phase.lock() == Phase::Abandoned
    }
}

impl Writer {
    pub(super) fn on_stderr(state: Arc<RenderState>) -> Self {
        Self::new(state, std::io::stderr())
    }

    fn new(state: Arc<RenderState>, out: impl Write + Send + 'static) -> Self {
        Self { state, out: Box::new(out) }
    }

    /// Writes the text in one piece. What cannot be written is left out: standard error may be closed, or its disk
    /// full, and the run goes on all the same.
    pub(super) fn write(&mut self, text: &str) {
        if !self.state.is_abandoned() {
            let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        }
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use std::io;
    use std::sync::mpsc;

    use super::*;
    use crate::progress::due::Heartbeat;
    use crate::progress::lines::Lines;
    use crate::progress::tracker::Ending;

    /// Standard error, as tests would have it.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().clone()).expect("lines are text")
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn render_thread(watch: &Arc<RunStatus>, patience: Duration, out: impl Write + Send + 'static) -> RenderThread {
        let state = Arc::new(RenderState::with_patience(patience));
        let lines =
            Lines::new("run".to_string(), Heartbeat::new(0, Duration::ZERO), Writer::new(Arc::clone(&state), out));
        RenderThread::start(state, Arc::clone(watch), Stalls::new(Duration::MAX), Box::new(lines))
            .expect("the system has a thread to give")
    }

    #[test]
    fn the_last_state_is_written_and_nothing_after_it() {
        let (watch, paper) = (Arc::new(RunStatus::new(Some(3))), Paper::default());
        let render_thread = render_thread(&watch, PATIENCE, paper.clone());
        watch.count(Ending::Resumed, 3);
        watch.grow_total(1);
        watch.end(watch.begin(3, 1));
        watch.count(Ending::Skipped, 1);
        render_thread.end();
        let text = paper.text();
        assert!(text.ends_with("run: 100%, 4/4, 3 resumed, in 0s\n"), "{text}");
    }

    #[test]
    fn a_painter_that_is_dropped_ends_too() {
        let (watch, paper) = (Arc::new(RunStatus::new(Some(3))), Paper::default());
        drop(render_thread(&watch, PATIENCE, paper.clone()));
        assert!(paper.text().ends_with("run: 0%, 0/3, ended after 0s\n"));
    }

    #[test]
    fn a_reader_that_does_not_read_holds_up_no_end() {
        /// A pipe that is full until it is told otherwise, and tells what was written to it after that.
        struct Full {
            is_hanging: mpsc::Sender<()>,
            go_on: mpsc::Receiver<()>,
            paper: Paper,
        }
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.is_hanging.send(());
                let _ = self.go_on.recv();
                self.paper.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (watch, paper) = (Arc::new(RunStatus::new(Some(3))), Paper::default());
        let ((is_hanging, hangs), (read, go_on)) = (mpsc::channel(), mpsc::channel());
        let render_thread = render_thread(&watch, Duration::ZERO, Full { is_hanging, go_on, paper: paper.clone() });
        hangs.recv().unwrap();
        render_thread.end();
        assert_eq!(paper.text(), "");
        drop(read); // the pipe is read again
        while hangs.recv().is_ok() {} // until the painter is gone
        assert_eq!(paper.text(), "run: 0%, 0/3, starting workers\n", "what hung is finished, and nothing is added");
    }

    #[test]
    fn what_cannot_be_written_is_left_out() {
        struct Closed(mpsc::Sender<()>);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                let _ = self.0.send(());
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (tried, tries) = mpsc::channel();
        render_thread(&Arc::new(RunStatus::new(None)), PATIENCE, Closed(tried)).end();
        assert_eq!(tries.iter().count(), 2, "the first line and the last were tried");
    }

    #[test]
    fn a_canvas_that_panics_takes_no_run_with_it() {
        struct Torn;
        impl Renderer for Torn {
            fn draw(&mut self, _: &View) {
                panic!("expected in this test");
            }
            fn warn(&mut self, _: &View, _: &InHand) {}
            fn finish(&mut self, _: &View) {}
        }
        let state = Arc::new(RenderState::with_patience(Duration::MAX));
        let render_thread =
            RenderThread::start(state, Arc::new(RunStatus::new(None)), Stalls::new(Duration::MAX), Box::new(Torn));
        render_thread.unwrap().end();
    }
}
