//! Progress as lines, for logs.

use crate::progress::due::Heartbeat;
use crate::progress::render_thread::{Renderer, Writer};
use crate::progress::run_status::{InHand, View};
use crate::progress::text;

/// Writes a line now and then, and one at the end.
pub(super) struct Lines {
    name: String,
    beat: Heartbeat,
    writer: Writer,
}

impl Lines {
    pub(super) fn new(name: String, beat: Heartbeat, writer: Writer) -> Self {
        Self { name, beat, writer }
    }

    fn write(&mut self, line: String) {
        self.writer.write(&(line + "\n"));
    }
}

impl Renderer for Lines {
    fn draw(&mut self, view: &View) {
        if self.beat.is_due(view.age, view.counts.done()) {
            self.write(text::line(&self.name, view, false));
        }
    }

    fn warn(&mut self, view: &View, chunk: &InHand) {
        self.write(text::stalled(&self.name, view, chunk));
    }

    fn finish(&mut self, view: &View) {
        self.write(text::line(&self.name, view, true));
    }
}
