//! Progress as JSON lines, for programs that read it. [`Progress::json`](crate::Progress::json) documents the fields.
//!
//! The JSON is written here, so that progress needs no dependency: names of fields are constants, and values are
//! numbers, null and escaped texts. The tests read it back with serde_json.

use std::fmt::Write as _;

use crate::progress::render_thread::{Renderer, Writer};
use crate::progress::run_status::{ChunkInHand, RunPhase, View};
use crate::progress::schedule::Heartbeat;

/// Writes one object per line: the first at once, then as the heartbeat says, and one at the end.
pub(super) struct JsonLines {
    name: String,
    heartbeat: Heartbeat,
    has_begun: bool,
    writer: Writer,
}

const ENDED: &str = "ended";

impl JsonLines {
    pub(super) fn new(name: String, heartbeat: Heartbeat, writer: Writer) -> Self {
        Self { name, heartbeat, has_begun: false, writer }
    }

    fn write(&mut self, event: &'static str, view: &View, chunk: Option<&ChunkInHand>) {
        self.writer.write(&(line(event, &self.name, view, chunk) + "\n"));
    }
}

impl Renderer for JsonLines {
    fn draw(&mut self, view: &View) {
        let is_due = self.heartbeat.is_due(view.age, view.counts.done());
        if is_due || !self.has_begun {
            self.has_begun = true;
            self.write("progress", view, view.oldest());
        }
    }

    fn warn(&mut self, view: &View, chunk: &ChunkInHand) {
        self.write("stalled", view, Some(chunk));
    }

    fn finish(&mut self, view: &View) {
        self.write(ENDED, view, view.oldest());
    }
}

/// One object, without the end of its line. `chunk` is the one that stalls, else the oldest one in hand.
fn line(event: &'static str, name: &str, view: &View, chunk: Option<&ChunkInHand>) -> String {
    let (counts, recovered) = (&view.counts, &view.recovered);
    let is_going_on = event != ENDED && view.phase != RunPhase::Stopping;
    let eta = counts.eta().filter(|_| is_going_on);
    object(&[
        ("event", text(event)),
        ("name", text(name)),
        ("phase", text(phase_name(view.phase))),
        ("done", counts.done().to_string()),
        ("total", or_null(counts.total.map(|total| total.to_string()))),
        ("succeeded", counts.succeeded.to_string()),
        ("failed", counts.failed.to_string()),
        ("skipped", counts.skipped.to_string()),
        ("resumed", counts.resumed.to_string()),
        ("retried", recovered.retried.to_string()),
        ("lost_workers", recovered.lost_workers.to_string()),
        ("recycled_workers", recovered.recycled_workers.to_string()),
        ("in_hand", view.in_hand.iter().map(|chunk| chunk.n_items).sum::<usize>().to_string()),
        ("elapsed_seconds", number(view.age.as_secs_f64())),
        ("items_per_second", number(counts.items_per_second())),
        ("eta_seconds", or_null(eta.map(|eta| number(eta.likely.as_secs_f64())))),
        ("eta_at_least_seconds", or_null(eta.map(|eta| number(eta.at_least.as_secs_f64())))),
        ("eta_at_most_seconds", or_null(eta.map(|eta| number(eta.at_most.as_secs_f64())))),
        ("item", or_null(chunk.map(|chunk| item(view, chunk)))),
    ])
}

fn item(view: &View, chunk: &ChunkInHand) -> String {
    object(&[
        ("index", chunk.first.to_string()),
        ("name", or_null(view.name(chunk.first).map(text))),
        ("n_items", chunk.n_items.to_string()),
        ("seconds", number(view.time_in_hand(chunk).as_secs_f64())),
    ])
}

fn phase_name(phase: RunPhase) -> &'static str {
    match phase {
        RunPhase::Starting => "starting",
        RunPhase::Running => "running",
        RunPhase::Stopping => "stopping",
    }
}

/// The values are JSON already; the names need no escape.
fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn or_null(value: Option<String>) -> String {
    value.unwrap_or_else(|| "null".to_owned())
}

/// JSON has no infinity and no NaN: they become null.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { or_null(None) }
}

/// A text in quotes, with the escapes that JSON demands.
fn text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for symbol in text.chars() {
        match symbol {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Writing to a string cannot fail.
            '\0'..' ' => drop(write!(quoted, "\\u{:04x}", u32::from(symbol))),
            _ => quoted.push(symbol),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::progress::run_status::RunStatus;
    use crate::progress::tracker::ItemStatus;
    use crate::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    fn value(event: &'static str, view: &View, chunk: Option<&ChunkInHand>) -> Value {
        serde_json::from_str(&line(event, "night\n1", view, chunk)).expect("a line is JSON")
    }

    #[test]
    fn a_line_has_every_documented_field() {
        let status = RunStatus::new(Some(10));
        status.count(ItemStatus::Resumed, 2);
        status.count(ItemStatus::Skipped, 1);
        let done = status.begin_at(SECOND, 3, 1);
        let _in_hand = status.begin_at(2 * SECOND, 4, 3);
        status.end_at(3 * SECOND, done);
        status.count(ItemStatus::Failed, 1);
        status.count(ItemStatus::Succeeded, 1);
        status.retry(5);
        status.lose_worker();
        status.recycle_worker();
        status.name_items(Arc::new(["a", "b", "c", "d", "e"].map(String::from).into()));
        let view = status.view_at(5 * SECOND);
        let eta = view.counts.eta().unwrap();
        assert_eq!(
            value("progress", &view, view.oldest()),
            json!({
                "event": "progress", "name": "night\n1", "phase": "running", "done": 5, "total": 10,
                "succeeded": 1, "failed": 1, "skipped": 1, "resumed": 2,
                "retried": 5, "lost_workers": 1, "recycled_workers": 1, "in_hand": 3,
                "elapsed_seconds": 5.0, "items_per_second": 0.5, "eta_seconds": 10.0,
                "eta_at_least_seconds": eta.at_least.as_secs_f64(), "eta_at_most_seconds": eta.at_most.as_secs_f64(),
                "item": { "index": 4, "name": "e", "n_items": 3, "seconds": 3.0 },
            })
        );
    }

    #[test]
    fn unknown_values_are_null() {
        let view = RunStatus::new(None).view_at(SECOND);
        let value = value("progress", &view, view.oldest());
        assert_eq!(value["phase"], "starting");
        for field in ["total", "eta_seconds", "eta_at_least_seconds", "eta_at_most_seconds", "item"] {
            assert_eq!(value.get(field), Some(&Value::Null), "{field}");
        }
    }

    #[test]
    fn a_run_that_stops_has_no_time_left() {
        let status = RunStatus::new(Some(9));
        let _in_hand = status.begin_at(Duration::ZERO, 0, 1);
        status.count(ItemStatus::Succeeded, 3);
        assert_eq!(value(ENDED, &status.view_at(SECOND), None)["eta_seconds"], Value::Null);
        status.stop();
        assert_eq!(value("progress", &status.view_at(SECOND), None)["eta_seconds"], Value::Null);
    }

    #[test]
    fn a_line_is_one_line_and_in_the_documented_order() {
        let view = RunStatus::new(Some(1)).view_at(SECOND);
        let line = line("progress", "a\nb", &view, None);
        assert!(
            line.starts_with(r#"{"event":"progress","name":"a\nb","phase":"starting","done":0,"total":1,"#),
            "{line}"
        );
        assert!(!line.contains('\n'));
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_any_number_come_back_as_they_were(name in "(\\PC|[\\x00-\\x1f\"\\\\]){0,20}", value: f64) {
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&text(&name)).unwrap(), name);
            let read: Value = serde_json::from_str(&number(value)).unwrap();
            proptest::prop_assert_eq!(read.as_f64(), value.is_finite().then_some(value));
        }
    }

    #[test]
    fn a_number_that_json_does_not_have_is_null() {
        assert_eq!([f64::NAN, f64::INFINITY, 1e300, 1e-9, 5.0].map(number), ["null", "null", "1e300", "1e-9", "5.0"]);
    }
}
