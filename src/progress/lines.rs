//! Progress as lines, for logs. `schedule.rs` decides when a line is due, `text.rs` gives its text.

use crate::progress::render_thread::{Renderer, Writer};
use crate::progress::run_status::{ChunkInHand, View};
use crate::progress::schedule::Heartbeat;
use crate::progress::text;

/// Writes a line whenever the heartbeat says so, and one at the end.
pub(super) struct Lines {
    name: String,
    heartbeat: Heartbeat,
    writer: Writer,
}

impl Lines {
    pub(super) fn new(name: String, heartbeat: Heartbeat, writer: Writer) -> Self {
        Self { name, heartbeat, writer }
    }

    fn write(&mut self, line: String) {
        self.writer.write(&(line + "\n"));
    }
}

impl Renderer for Lines {
    fn draw(&mut self, view: &View) {
        if self.heartbeat.is_due(view.age, view.counts.done()) {
            self.write(text::line(&self.name, view, false));
        }
    }

    fn warn(&mut self, view: &View, chunk: &ChunkInHand) {
        self.write(text::stalled(&self.name, view, chunk));
    }

    fn finish(&mut self, view: &View) {
        self.write(text::line(&self.name, view, true));
    }
}
