//! Progress as a bar on a terminal, drawn by indicatif. `bar_line.rs` picks the facts in the line.
//!
//! indicatif knows the terminal: how to write to it, how wide a text is, how to draw a bar with characters. It fills
//! each line to the right edge, so that text which the program prints meanwhile begins on a line of its own.

use std::fmt;
use std::io;

use console::{Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::progress::bar_line::{BarLine, bar_line};
use crate::progress::render_thread::{RenderState, Renderer};
use crate::progress::run_status::{ChunkInHand, View};
use crate::progress::text;
use crate::sync::{Arc, AtomicU16, Ordering};

/// One line on the terminal that is drawn again and again.
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
        self.bar.set_style(style(bar_line(&self.name, view, is_last, columns.into(), measure_text_width)));
        self.bar.update(|state| {
            state.set_pos(view.counts.done());
            state.set_len(view.counts.total.unwrap_or(0));
        });
    }
}

/// A percentage needs this many columns, and indicatif assumes that each character fits.
const NARROWEST: u16 = 4;

impl<T: TermLike + 'static> Renderer for Bar<T> {
    fn draw(&mut self, view: &View) {
        let may_draw = self.settling.may_draw(self.terminal.terminal.width());
        if may_draw && self.settling.drawn >= NARROWEST {
            self.redraw(view, false);
        }
    }

    fn warn(&mut self, view: &View, chunk: &ChunkInHand) {
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
        // The next output begins on a line of its own, whether or not its writer knows where the cursor is.
        let _ = self.terminal.terminal.write_str("\n").and_then(|()| self.terminal.flush());
    }
}

/// The template of a line. The texts are inserted as keys, because a brace in a template has a meaning.
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

/// Draws for a new width only once the width has stayed the same for a while. When a terminal becomes narrower it wraps
/// the line into two, and only the second can be drawn over: to clear the first, the bar would have to know that
/// nothing was printed meanwhile. So one line stays behind per resizing, rather than one per column that a window is
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

/// A terminal that gets no more output once the render thread is abandoned, and whose width changes only between
/// drawings.
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

/// indicatif's handle of the terminal, which the bar itself uses too.
#[derive(Debug)]
struct Shared<T>(Arc<Gated<T>>);

impl<T> Gated<T> {
    fn flush(&self) -> io::Result<()>
    where
        T: TermLike,
    {
        // The terminal is buffered: nothing has been written before this call.
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
    use crate::progress::tracker::ItemStatus;
    use crate::sync::Mutex;

    /// A terminal that records its commands.
    #[derive(Debug, Clone)]
    struct Screen {
        width: Arc<AtomicU16>,
        commands: Arc<Mutex<String>>,
    }

    impl Screen {
        fn new(width: u16) -> Self {
            Self { width: Arc::new(AtomicU16::new(width)), commands: Arc::default() }
        }
        fn say(&self, text: &str) -> io::Result<()> {
            self.commands.lock().push_str(text);
            Ok(())
        }
        fn take(&self) -> String {
            std::mem::take(&mut self.commands.lock())
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

    fn status() -> RunStatus {
        let status = RunStatus::new(Some(100));
        status.count(ItemStatus::Resumed, 50);
        status
    }

    #[test]
    fn a_line_is_filled_to_the_edge_and_written_at_once() {
        let (screen, status) = (Screen::new(60), status());
        let mut bar = bar(&screen);
        bar.draw(&status.view_at(Duration::ZERO));
        assert_eq!(screen.take(), "run {left} 50% [=========>        ] 50/100, starting workers<flush>");
        bar.draw(&status.view_at(Duration::ZERO));
        assert!(screen.take().starts_with("<clear>run {left} 50%"), "drawn over the first");
    }

    #[test]
    fn the_end_is_drawn_over_the_last_and_leaves_the_line() {
        let (screen, status) = (Screen::new(60), status());
        let mut bar = bar(&screen);
        bar.draw(&status.view_at(Duration::ZERO));
        status.count(ItemStatus::Resumed, 50);
        screen.take();
        bar.finish(&status.view_at(Duration::from_secs(65)));
        let drawn = screen.take();
        assert!(drawn.contains("100% [") && drawn.contains("100/100") && drawn.contains("in 1m 5s"), "{drawn}");
        assert!(drawn.ends_with("\n<flush>"), "{drawn}");
        drop(bar);
        assert_eq!(screen.take(), "", "nothing is drawn after the end");
    }

    #[test]
    fn a_warning_stands_above_the_bar() {
        let (screen, status) = (Screen::new(60), status());
        let _in_hand = status.begin_at(Duration::ZERO, 7, 1);
        let view = status.view_at(Duration::from_secs(90));
        let mut bar = bar(&screen);
        bar.draw(&view);
        screen.take();
        bar.warn(&view, view.oldest().unwrap());
        let drawn = screen.take();
        let (warning, line) = (drawn.find("item 7 has been in hand for 1m 30s"), drawn.find("50% ["));
        assert!(warning.is_some() && warning < line, "{drawn}");
    }

    #[test]
    fn a_terminal_without_columns_gets_no_bar() {
        let (screen, status) = (Screen::new(1), status());
        let _in_hand = status.begin_at(Duration::ZERO, 7, 1);
        status.name_items(Arc::new(vec!["\u{6f22}".to_string(); 8])); // two columns wide
        let view = status.view_at(Duration::from_secs(90));
        let mut bar = bar(&screen);
        bar.draw(&view);
        bar.warn(&view, view.oldest().unwrap());
        bar.finish(&view);
        let drawn = screen.take();
        assert!(!drawn.contains(['%', '\u{6f22}']) && drawn.ends_with("\n<flush>"), "{drawn}");
    }

    #[test]
    fn a_run_of_unknown_length_has_no_bar() {
        let (screen, status) = (Screen::new(60), RunStatus::new(None));
        status.count(ItemStatus::Resumed, 5);
        bar(&screen).draw(&status.view_at(Duration::ZERO));
        let drawn = screen.take();
        assert!(drawn.starts_with("run {left} 5 done, 5 resumed, starting workers "), "{drawn}");
    }

    #[test]
    fn a_resized_window_is_drawn_once_its_width_stays() {
        let mut settling = Settling::new(80);
        let drawn = [80, 80, 70, 60, 50, 50, 50, 50, 50, 90, 50, 90, 80, 80].map(|width| settling.may_draw(width));
        let (yes, no) = (true, false);
        assert_eq!(drawn, [yes, yes, no, no, no, no, no, yes, yes, no, yes, no, no, no]);
        assert_eq!(settling.drawn, 50);
    }
}
