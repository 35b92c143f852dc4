//! Progress as JSON lines, for machines. The fields are documented at [`Progress::json`](crate::progress::Progress::json).

use serde::Serialize;

use crate::progress::due::Heartbeat;
use crate::progress::render_thread::{Renderer, Writer};
use crate::progress::run_status::{InHand, Phase, View};

/// Writes an object per line: at once, now and then, and at the end.
pub(super) struct JsonLines {
    name: String,
    beat: Heartbeat,
    is_begun: bool,
    writer: Writer,
}

const ENDED: &str = "ended";

#[derive(Serialize)]
struct Line<'v> {
    event: &'static str,
    name: &'v str,
    phase: &'static str,
    done: u64,
    total: Option<u64>,
    succeeded: u64,
    failed: u64,
    skipped: u64,
    resumed: u64,
    retried: u64,
    lost_workers: u64,
    recycled_workers: u64,
    in_hand: usize,
    elapsed_seconds: f64,
    items_per_second: f64,
    eta_seconds: Option<f64>,
    eta_at_least_seconds: Option<f64>,
    eta_at_most_seconds: Option<f64>,
    /// Of a stall the item that stalls, else the oldest one in hand.
    item: Option<Item<'v>>,
}

#[derive(Serialize)]
struct Item<'v> {
    index: usize,
    name: Option<&'v str>,
    n_items: usize,
    seconds: f64,
}

impl JsonLines {
    pub(super) fn new(name: String, beat: Heartbeat, writer: Writer) -> Self {
        Self { name, beat, is_begun: false, writer }
    }

    fn write(&mut self, event: &'static str, view: &View, chunk: Option<&InHand>) {
        let text = serde_json::to_string(&line(event, &self.name, view, chunk)).expect("its keys are names of fields");
        self.writer.write(&(text + "\n"));
    }
}

impl Renderer for JsonLines {
    fn draw(&mut self, view: &View) {
        let is_due = self.beat.is_due(view.age, view.counts.done());
        if is_due || !self.is_begun {
            self.is_begun = true;
            self.write("progress", view, view.oldest());
        }
    }

    fn warn(&mut self, view: &View, chunk: &InHand) {
        self.write("stalled", view, Some(chunk));
    }

    fn finish(&mut self, view: &View) {
        self.write(ENDED, view, view.oldest());
    }
}

fn line<'v>(event: &'static str, name: &'v str, view: &'v View, chunk: Option<&InHand>) -> Line<'v> {
    let (counts, warnings) = (&view.counts, &view.warnings);
    let is_going_on = event != ENDED && view.phase != Phase::Stopping;
    let eta = counts.eta().filter(|_| is_going_on);
    let item = chunk.map(|chunk| Item {
        index: chunk.first,
        name: view.name(chunk.first),
        n_items: chunk.n_items,
        seconds: view.time_in_hand(chunk).as_secs_f64(),
    });
    Line {
        event,
        name,
        phase: match view.phase {
            Phase::Starting => "starting",
            Phase::Running => "running",
            Phase::Stopping => "stopping",
        },
        done: counts.done(),
        total: counts.total,
        succeeded: counts.succeeded,
        failed: counts.failed,
        skipped: counts.skipped,
        resumed: counts.resumed,
        retried: warnings.retried,
        lost_workers: warnings.lost_workers,
        recycled_workers: warnings.recycled_workers,
        in_hand: view.in_hand.iter().map(|chunk| chunk.n_items).sum(),
        elapsed_seconds: view.age.as_secs_f64(),
        items_per_second: counts.items_per_second(),
        eta_seconds: eta.map(|eta| eta.likely.as_secs_f64()),
        eta_at_least_seconds: eta.map(|eta| eta.at_least.as_secs_f64()),
        eta_at_most_seconds: eta.map(|eta| eta.at_most.as_secs_f64()),
        item,
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::progress::run_status::RunStatus;
    use crate::progress::tracker::Ending;
    use crate::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    fn value(event: &'static str, view: &View, chunk: Option<&InHand>) -> Value {
        serde_json::to_value(line(event, "night\n1", view, chunk)).expect("a line is a value")
    }

    #[test]
    fn a_line_has_every_documented_field() {
        let watch = RunStatus::new(Some(10));
        watch.count(Ending::Resumed, 2);
        watch.count(Ending::Skipped, 1);
        let done = watch.begin_at(SECOND, 3, 1);
        let _in_hand = watch.begin_at(2 * SECOND, 4, 3);
        watch.end_at(3 * SECOND, done);
        watch.count(Ending::Failed, 1);
        watch.count(Ending::Succeeded, 1);
        watch.retry(5);
        watch.lose_worker();
        watch.recycle_worker();
        watch.name_items(Arc::new(["a", "b", "c", "d", "e"].map(String::from).into()));
        let view = watch.view_at(5 * SECOND);
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
    fn what_is_not_known_is_null() {
        let view = RunStatus::new(None).view_at(SECOND);
        let value = value("progress", &view, view.oldest());
        assert_eq!(value["phase"], "starting");
        for field in ["total", "eta_seconds", "eta_at_least_seconds", "eta_at_most_seconds", "item"] {
            assert_eq!(value.get(field), Some(&Value::Null), "{field}");
        }
    }

    #[test]
    fn no_time_is_left_for_a_run_that_is_broken_off() {
        let watch = RunStatus::new(Some(9));
        let _in_hand = watch.begin_at(Duration::ZERO, 0, 1);
        watch.count(Ending::Succeeded, 3);
        assert_eq!(value(ENDED, &watch.view_at(SECOND), None)["eta_seconds"], Value::Null);
        watch.stop();
        assert_eq!(value("progress", &watch.view_at(SECOND), None)["eta_seconds"], Value::Null);
    }
}
