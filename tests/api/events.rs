//! What a subscriber of `tracing` gets: each failure and each retry, by name.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use manyhands::{OnFailure, Retry};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::modes::for_every_way;

/// Keeps each event as its fields, in words.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<Vec<(String, String)>>>>);

struct Fields(Vec<(String, String)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("manyhands")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(Vec::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Listener {
    /// The given fields of each event with this message, sorted.
    fn heard(&self, message: &str, names: &[&str]) -> Vec<Vec<String>> {
        let events = self.0.lock().unwrap();
        let get = |event: &[(String, String)], name: &str| -> String {
            event.iter().find(|(field, _)| field == name).map_or(String::new(), |(_, value)| value.clone())
        };
        let of_kind = events.iter().filter(|event| get(event, "message") == message);
        let mut heard: Vec<Vec<String>> =
            of_kind.map(|event| names.iter().map(|name| get(event, name)).collect()).collect();
        heard.sort();
        heard
    }
}

#[test]
fn each_failure_and_each_retry_is_reported_by_name() {
    let items: Vec<usize> = (0..20).collect();
    for_every_way(|way| {
        let listener = Listener::default();
        tracing::subscriber::with_default(listener.clone(), || {
            let job = way.job(&items).on_failure(OnFailure::Continue).retry(Retry::times(1)).key(|n| format!("n{n}"));
            let outcome = job.try_run(|&n| {
                assert_ne!(n, 9, "on purpose");
                if n == 5 { Err("wrong") } else { Ok(n) }
            });
            assert_eq!(outcome.unwrap().failures().len(), 2);
        });
        let reported = |message| listener.heard(message, &["index", "key", "attempt", "kind"]);
        let words = |rows: [[&str; 4]; 2]| rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(
            reported("an item failed and will be retried"),
            words([["5", "\"n5\"", "1", "\"error\""], ["9", "\"n9\"", "1", "\"panic\""]]),
            "{way:?}"
        );
        assert_eq!(
            reported("an item failed"),
            words([["5", "\"n5\"", "2", "\"error\""], ["9", "\"n9\"", "2", "\"panic\""]])
        );
        let workers = listener.heard("an item failed", &["worker"]);
        assert!(workers.iter().all(|worker| worker[0].parse::<usize>().is_ok()), "{workers:?}");
    });
}

#[test]
fn a_key_that_panics_under_a_subscriber_reaches_the_caller_and_never_hangs() {
    let items: Vec<usize> = (0..200).collect();
    for_every_way(|way| {
        let listener = Listener::default();
        let caught = std::panic::catch_unwind(|| {
            tracing::subscriber::with_default(listener, || {
                let job =
                    way.job(&items).on_failure(OnFailure::Continue).key(|n| -> String { panic!("the key of {n}") });
                job.try_run(|&n| if n == 30 { Err("wrong") } else { Ok(n) })
            })
        });
        let payload = caught.unwrap_err();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), "the key of 30", "{way:?}");
    });
}
