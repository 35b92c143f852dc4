//! The thread that shows a run, and how it ends. A [`Renderer`] decides what is shown.
//!
//! It promises that workers never wait for the display, that a run's end waits for it for two seconds at most, and that
//! nothing is written after that.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use crate::progress::run_status::{ChunkInHand, RunStatus, View};
use crate::progress::schedule::Stalls;
use crate::sync::{Arc, Condvar, Mutex, ProcessMark, spawn_named};

/// Shows a run until it is dropped or [ended](Self::end).
///
/// # Concurrency
/// One thread reads the status ten times a second and writes; no worker waits for it. The end waits until the last
/// state is written, but for two seconds at most: the reader of standard error may have stopped reading, and then a
/// write blocks. The thread is then left behind in its write, and writes nothing more once that returns.
pub(crate) struct RenderThread {
    /// Where the thread is.
    process: ProcessMark,
    state: Arc<RenderState>,
}

/// Shows a run on one kind of output.
///
/// All three run in the render thread. A panic in one ends the display, not the run.
pub(super) trait Renderer: Send {
    /// Shows the current state, if it is due. Called ten times a second.
    fn draw(&mut self, view: &View);
    /// Warns about a chunk that takes too long.
    fn warn(&mut self, view: &View, chunk: &ChunkInHand);
    /// Shows the last state.
    fn finish(&mut self, view: &View);
}

/// What the render thread and its owner share.
pub(super) struct RenderState {
    /// Guards only itself: the render thread writes its output without holding it.
    phase: Mutex<RenderPhase>,
    changed: Condvar,
    timeout: Duration,
}

/// From `Drawing` over `LastState` to `Over`; or to `Abandoned`, when the last write takes longer than the time limit.
/// A render thread that panics goes to `Over` from wherever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RenderPhase {
    Drawing,
    /// The owner waits for the last state to be written.
    LastState,
    /// The render thread has written the last state.
    Over,
    /// The owner's time limit is over.
    Abandoned,
}

/// Writes for a renderer, until the render thread is abandoned.
pub(super) struct Writer {
    state: Arc<RenderState>,
    out: Box<dyn Write + Send>,
}

const TICK: Duration = Duration::from_millis(100);
const END_TIMEOUT: Duration = Duration::from_secs(2);

impl RenderThread {
    /// Starts to show a run with this renderer. When the system cannot start a thread, the run goes on without a
    /// display, and an event of `tracing` says so.
    pub(super) fn start(
        state: Arc<RenderState>,
        status: Arc<RunStatus>,
        stalls: Stalls,
        renderer: Box<dyn Renderer>,
    ) -> Option<Self> {
        let theirs = Arc::clone(&state);
        let started = spawn_named("manyhands-progress".to_string(), move || render(&theirs, &status, stalls, renderer));
        match started {
            Ok(()) => Some(Self { process: ProcessMark::current(), state }),
            Err(error) => {
                tracing::warn!(%error, "progress is not shown: the system has no thread to give");
                None
            }
        }
    }

    /// Shows the last state of the run. Nothing is written after it returns, except for the rest of a write that
    /// blocks.
    pub(crate) fn end(self) {
        drop(self);
    }
}

impl Drop for RenderThread {
    fn drop(&mut self) {
        // A forked child has a copy of this value, and no such thread to wait for.
        if self.process.is_current() {
            self.state.end();
        }
    }
}

impl fmt::Debug for RenderThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderThread").field("phase", &*self.state.phase.lock()).finish()
    }
}

fn render(state: &RenderState, status: &RunStatus, mut stalls: Stalls, mut renderer: Box<dyn Renderer>) {
    /// Runs after a panic too, so that the owner does not wait for a thread that is gone.
    struct Leaving<'s>(&'s RenderState);
    impl Drop for Leaving<'_> {
        fn drop(&mut self) {
            self.0.change(RenderPhase::Over);
        }
    }
    let _leaving = Leaving(state);
    loop {
        let view = status.view();
        stalls.look(&view);
        for chunk in stalls.new_ones(&view) {
            renderer.warn(&view, &chunk);
        }
        renderer.draw(&view);
        if state.wait_for_end(TICK) != RenderPhase::Drawing {
            return renderer.finish(&status.view());
        }
    }
}

impl RenderState {
    pub(super) fn new() -> Self {
        Self::with_timeout(END_TIMEOUT)
    }

    pub(super) fn with_timeout(timeout: Duration) -> Self {
        Self { phase: Mutex::new(RenderPhase::Drawing), changed: Condvar::new(), timeout }
    }

    /// Called by the render thread: sleeps for a tick, or until the owner ends it.
    ///
    /// The wait is on a condition variable, so the end of a run does not wait for the rest of a tick.
    fn wait_for_end(&self, tick: Duration) -> RenderPhase {
        let mut phase = self.phase.lock();
        while *phase == RenderPhase::Drawing {
            let is_up = self.changed.wait_for(&mut phase, tick);
            if is_up {
                break;
            }
        }
        *phase
    }

    /// Called by the owner: waits until the last state is written, or the time limit is over.
    fn end(&self) {
        let mut phase = self.phase.lock();
        if *phase == RenderPhase::Drawing {
            *phase = RenderPhase::LastState;
            self.changed.notify_all();
        }
        while *phase == RenderPhase::LastState {
            let is_up = self.changed.wait_for(&mut phase, self.timeout);
            if is_up && *phase == RenderPhase::LastState {
                *phase = RenderPhase::Abandoned;
            }
        }
    }

    fn change(&self, to: RenderPhase) {
        *self.phase.lock() = to;
        self.changed.notify_all();
    }

    /// Asked before each write, so that a thread that was left behind writes nothing into the output of what the
    /// program does next.
    pub(super) fn is_abandoned(&self) -> bool {
        *self.phase.lock() == RenderPhase::Abandoned
    }
}

impl Writer {
    pub(super) fn on_stderr(state: Arc<RenderState>) -> Self {
        Self::new(state, std::io::stderr())
    }

    fn new(state: Arc<RenderState>, out: impl Write + Send + 'static) -> Self {
        Self { state, out: Box::new(out) }
    }

    /// Writes the text in one piece. Drops a text that cannot be written, as standard error may be closed or its disk
    /// full, and the run goes on.
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
    use crate::progress::lines::Lines;
    use crate::progress::schedule::Heartbeat;
    use crate::progress::tracker::ItemStatus;

    /// Stands for standard error and keeps the text.
    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Output {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().clone()).expect("lines are text")
        }
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn render_thread(status: &Arc<RunStatus>, timeout: Duration, out: impl Write + Send + 'static) -> RenderThread {
        let state = Arc::new(RenderState::with_timeout(timeout));
        let lines =
            Lines::new("run".to_string(), Heartbeat::new(0, Duration::ZERO), Writer::new(Arc::clone(&state), out));
        RenderThread::start(state, Arc::clone(status), Stalls::new(Duration::MAX), Box::new(lines))
            .expect("the system has a thread to give")
    }

    #[test]
    fn the_last_state_is_written_and_nothing_after_it() {
        let (status, output) = (Arc::new(RunStatus::new(Some(3))), Output::default());
        let render_thread = render_thread(&status, END_TIMEOUT, output.clone());
        status.count(ItemStatus::Resumed, 3);
        status.grow_total(1);
        status.end(status.begin(3, 1));
        status.count(ItemStatus::Skipped, 1);
        render_thread.end();
        let text = output.text();
        assert!(text.ends_with("run: 100%, 4/4, 3 resumed, in 0s\n"), "{text}");
    }

    #[test]
    fn a_render_thread_that_is_dropped_ends_too() {
        let (status, output) = (Arc::new(RunStatus::new(Some(3))), Output::default());
        drop(render_thread(&status, END_TIMEOUT, output.clone()));
        assert!(output.text().ends_with("run: 0%, 0/3, ended after 0s\n"));
    }

    #[test]
    fn a_reader_that_does_not_read_holds_up_no_end() {
        /// A pipe that blocks until the test lets it go on, and then keeps what is written.
        struct Full {
            is_hanging: mpsc::Sender<()>,
            go_on: mpsc::Receiver<()>,
            output: Output,
        }
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.is_hanging.send(());
                let _ = self.go_on.recv();
                self.output.write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (status, output) = (Arc::new(RunStatus::new(Some(3))), Output::default());
        let ((is_hanging, hangs), (read, go_on)) = (mpsc::channel(), mpsc::channel());
        let render_thread = render_thread(&status, Duration::ZERO, Full { is_hanging, go_on, output: output.clone() });
        hangs.recv().unwrap();
        render_thread.end();
        assert_eq!(output.text(), "");
        drop(read); // the pipe is read again
        while hangs.recv().is_ok() {} // until the render thread is gone
        assert_eq!(output.text(), "run: 0%, 0/3, starting workers\n", "what hung is finished, and nothing is added");
    }

    #[test]
    fn text_that_cannot_be_written_is_dropped() {
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
        render_thread(&Arc::new(RunStatus::new(None)), END_TIMEOUT, Closed(tried)).end();
        assert_eq!(tries.iter().count(), 2, "the first line and the last were tried");
    }

    #[test]
    fn a_renderer_that_panics_does_not_stop_the_run() {
        struct Panics;
        impl Renderer for Panics {
            fn draw(&mut self, _: &View) {
                panic!("expected in this test");
            }
            fn warn(&mut self, _: &View, _: &ChunkInHand) {}
            fn finish(&mut self, _: &View) {}
        }
        let state = Arc::new(RenderState::with_timeout(Duration::MAX));
        let render_thread =
            RenderThread::start(state, Arc::new(RunStatus::new(None)), Stalls::new(Duration::MAX), Box::new(Panics));
        render_thread.unwrap().end();
    }
}
