//! Progress as a bar on a terminal, drawn by indicatif. What stands in the line is chosen in `text.rs`.
//!
//! Of indicatif comes what a terminal is like: how it is written to, how wide a text is, how a bar is made of
//! characters, and that each line is filled to the right edge, so that whatever the program prints meanwhile begins a
//! line of its own.

use std::fmt;
use std::io;

use console::{Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::progress::render_thread::{RenderState, Renderer};
use crate::progress::run_status::{InHand, View};
use crate::progress::text::{self, BarLine};
use crate::sync::{Arc, AtomicU16, Ordering};

/// One line that is drawn again and again.
pub(super) struct Bar<T: TermLike + 'static = Term> {
    name: String,
    bar: ProgressBar,
    terminal: Arc<Gated<T>>,
    settling: Settling,
}

/// Whether a bar can be drawn on standard error.
pub(super) fn is_possible() -> bool {
    !ProgressDrawTarget::stderr().is_hidden()
}

impl Bar {
    pub(super) fn on_stderr(name: String, state: Arc<RenderState>) -> Self {
        Self::new(name, state, Term::buffered_stderr())
    }
}

impl<T: TermLike + 'static> Bar<T> {
    fn new(name: String, state: Arc<RenderState>, terminal: T) -> Self {
        let settling = Settling::new(terminal.width());
        let terminal = Arc::new(Gated { width: AtomicU16::new(settling.drawn), terminal, state });
        let target = ProgressDrawTarget::term_like(Box::new(Shared(Arc::clone(&terminal))));
        let bar = ProgressBar::with_draw_target(None, target).with_style(style(BarLine::default()));
        Self { name, bar, terminal, settling }
    }

    fn redraw(&self, view: &View, is_last: bool) {
        let columns = self.settling.drawn;
        self.terminal.width.store(columns, Ordering::Relaxed); // read by this very thread
        self.bar.set_style(style(text::bar_line(&self.name, view, is_last, columns.into(), measure_text_width)));
        self.bar.update(|state| {
            state.set_pos(view.counts.done());
            state.set_len(view.counts.total.unwrap_or(0));
        });
    }
}

/// In fewer columns not even a percentage has room; and indicatif counts on each character having room.
const NARROWEST: u16 = 4;

impl<T: TermLike + 'static> Renderer for Bar<T> {
    fn draw(&mut self, view: &View) {
        let may_draw = self.settling.may_draw(self.terminal.terminal.width());
        if may_draw && self.settling.drawn >= NARROWEST {
            self.redraw(view, false);
        }
    }

    fn warn(&mut self, view: &View, chunk: &InHand) {
        if self.settling.drawn >= NARROWEST {
            self.bar.println(text::stalled(&self.name, view, chunk));
        }
    }

    fn finish(&mut self, view: &View) {
        self.settling = Settling::new(self.terminal.terminal.width());
        if self.settling.drawn >= NARROWEST {
            self.redraw(view, true);
        }
        self.bar.abandon();
        // What comes next begins a line of its own, whoever writes it and however it finds out where the cursor is.
        let _ = self.terminal.terminal.write_str("\n").and_then(|()| self.terminal.flush());
    }
}

/// The template of a line. Its texts are keys, as a brace in a template has a meaning.
fn style(BarLine { left, has_bar, right }: BarLine) -> ProgressStyle {
    let template = match (has_bar, left.is_empty()) {
        (true, true) => "[{wide_bar}] {right}",
        (true, false) => "{left} [{wide_bar}] {right}",
        (false, true) => "{right}",
        (false, false) => "{left} {right}",
    };
    let key = |text: String| {
        move |_: &indicatif::ProgressState, out: &mut dyn fmt::Write| {
            let _ = out.write_str(&text); // to a string, which cannot fail
        }
    };
    let style = ProgressStyle::with_template(template).expect("each of the templates above is one");
    style.with_key("left", key(left)).with_key("right", key(right)).progress_chars("=> ")
}

/// Draws for a new width only once it has stayed for a while. A terminal that becomes narrower wraps the line that is
/// there into two, of which only the second can be drawn over: to clear the first, one would have to know that nothing
/// was printed meanwhile. So a line stays behind; but one per resizing, and not one per column that a window is
/// dragged.
#[derive(Debug, Clone, Copy)]
struct Settling {
    drawn: u16,
    seen: u16,
    n_times: u32,
}

const SETTLED: u32 = 3;

impl Settling {
    fn new(width: u16) -> Self {
        Self { drawn: width, seen: width, n_times: 0 }
    }

    fn may_draw(&mut self, width: u16) -> bool {
        self.n_times = if width == self.seen { self.n_times + 1 } else { 0 };
        self.seen = width;
        if width != self.drawn && self.n_times >= SETTLED {
            self.drawn = width;
        }
        width == self.drawn
    }
}

/// A terminal that nothing reaches once the painter is abandoned, and whose width changes only between two drawings.
struct Gated<T> {
    terminal: T,
    width: AtomicU16,
    state: Arc<RenderState>,
}

impl<T> fmt::Debug for Gated<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gated")
    }
}

/// indicatif's view of a terminal that the bar itself asks and writes to as well.
#[derive(Debug)]
struct Shared<T>(Arc<Gated<T>>);

impl<T> Gated<T> {
    fn flush(&self) -> io::Result<()>
    where
        T: TermLike,
    {
        // The terminal is buffered: until here nothing has been written.
        if self.state.is_abandoned() { Ok(()) } else { self.terminal.flush() }
    }
}

impl<T: TermLike> TermLike for Shared<T> {
    fn width(&self) -> u16 {
        self.0.width.load(Ordering::Relaxed)
    }
    fn height(&self) -> u16 {
        self.0.terminal.height()
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.terminal.move_cursor_up(n)
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.terminal.move_cursor_down(n)
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.terminal.move_cursor_right(n)
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.terminal.move_cursor_left(n)
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.terminal.write_line(text)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.terminal.write_str(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.0.terminal.clear_line()
    }
    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::progress::run_status::RunStatus;
    use crate::progress::tracker::Ending;
    use crate::sync::Mutex;

    /// A terminal that keeps what it is told to do.
    #[derive(Debug, Clone)]
    struct Screen {
        width: Arc<AtomicU16>,
        told: Arc<Mutex<String>>,
    }

    impl Screen {
        fn new(width: u16) -> Self {
            Self { width: Arc::new(AtomicU16::new(width)), told: Arc::default() }
        }
        fn say(&self, text: &str) -> io::Result<()> {
            self.told.lock().push_str(text);
            Ok(())
        }
        fn take(&self) -> String {
            std::mem::take(&mut self.told.lock())
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            self.width.load(Ordering::Relaxed)
        }
        fn move_cursor_up(&self, n: usize) -> io::Result<()> {
            self.say(&"<up>".repeat(n))
        }
        fn move_cursor_down(&self, n: usize) -> io::Result<()> {
            self.say(&"<down>".repeat(n))
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            self.say("<right>")
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            self.say("<left>")
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.say(text).and_then(|()| self.say("\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.say(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.say("<clear>")
        }
        fn flush(&self) -> io::Result<()> {
            self.say("<flush>")
        }
    }

    fn bar(screen: &Screen) -> Bar<Screen> {
        Bar::new("run {left}".to_string(), Arc::new(RenderState::new()), screen.clone())
    }

    fn watch() -> RunStatus {
        let watch = RunStatus::new(Some(100));
        watch.count(Ending::Resumed, 50);
        watch
    }

    #[test]
    fn a_line_is_filled_to_the_edge_and_written_at_once() {
        let (screen, watch) = (Screen::new(60), watch());
        let mut bar = bar(&screen);
        bar.draw(&watch.view_at(Duration::ZERO));
        assert_eq!(screen.take(), "run {left} 50% [=========>        ] 50/100, starting workers<flush>");
        bar.draw(&watch.view_at(Duration::ZERO));
        assert!(screen.take().starts_with("<clear>run {left} 50%"), "drawn over the first");
    }

    #[test]
    fn the_end_is_drawn_over_the_last_and_leaves_the_line() {
        let (screen, watch) = (Screen::new(60), watch());
        let mut bar = bar(&screen);
        bar.draw(&watch.view_at(Duration::ZERO));
        watch.count(Ending::Resumed, 50);
        screen.take();
        bar.finish(&watch.view_at(Duration::from_secs(65)));
        let told = screen.take();
        assert!(told.contains("100% [") && told.contains("100/100") && told.contains("in 1m 5s"), "{told}");
        assert!(told.ends_with("\n<flush>"), "{told}");
        drop(bar);
        assert_eq!(screen.take(), "", "nothing is drawn after the end");
    }

    #[test]
    fn a_warning_stands_above_the_bar() {
        let (screen, watch) = (Screen::new(60), watch());
        let _in_hand = watch.begin_at(Duration::ZERO, 7, 1);
        let view = watch.view_at(Duration::from_secs(90));
        let mut bar = bar(&screen);
        bar.draw(&view);
        screen.take();
        bar.warn(&view, view.oldest().unwrap());
        let told = screen.take();
        let (warning, line) = (told.find("item 7 has been in hand for 1m 30s"), told.find("50% ["));
        assert!(warning.is_some() && warning < line, "{told}");
    }

    #[test]
    fn a_terminal_without_columns_is_left_alone() {
        let (screen, watch) = (Screen::new(1), watch());
        let _in_hand = watch.begin_at(Duration::ZERO, 7, 1);
        watch.name_items(Arc::new(vec!["\u{6f22}".to_string(); 8])); // two columns wide
        let view = watch.view_at(Duration::from_secs(90));
        let mut bar = bar(&screen);
        bar.draw(&view);
        bar.warn(&view, view.oldest().unwrap());
        bar.finish(&view);
        let told = screen.take();
        assert!(!told.contains(['%', '\u{6f22}']) && told.ends_with("\n<flush>"), "{told}");
    }

    #[test]
    fn a_run_of_unknown_length_has_no_bar() {
        let (screen, watch) = (Screen::new(60), RunStatus::new(None));
        watch.count(Ending::Resumed, 5);
        bar(&screen).draw(&watch.view_at(Duration::ZERO));
        let told = screen.take();
        assert!(told.starts_with("run {left} 5 done, 5 resumed, starting workers "), "{told}");
    }

    #[test]
    fn a_window_that_is_dragged_is_drawn_when_it_rests() {
        let mut settling = Settling::new(80);
        let drawn = [80, 80, 70, 60, 50, 50, 50, 50, 50, 90, 50, 90, 80, 80].map(|width| settling.may_draw(width));
        let (yes, no) = (true, false);
        assert_eq!(drawn, [yes, yes, no, no, no, no, no, yes, yes, no, yes, no, no, no]);
        assert_eq!(settling.drawn, 50);
    }
}
