//! The performance targets of process mode, and whether the figures of a run meet them. Pure.

use super::figures::{Figures, short, table};

/// A target for one figure of manyhands.
#[derive(Debug)]
struct Bar {
    says: &'static str,
    case: &'static str,
    key: &'static str,
    beside: Beside,
    limit: Limit,
}

/// What a figure is compared with.
#[derive(Debug)]
enum Beside {
    /// Divided by a figure of this peer.
    Peer(&'static str, &'static str),
    /// Divided by the highest value of the same figure among the peers.
    BestPeer,
    /// Less the same figure of `raw`, in milliseconds.
    Unavoidable,
    /// As it is.
    Nothing,
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

/// Figures of correctness: a reading outside of its limit is a bug.
const RIGHT: [(&str, &str, Limit); 7] = [
    ("crash", "ok", Limit::AtLeast(999.0)),
    ("crash", "same_pool_usable_after", Limit::AtLeast(1.0)),
    ("timeout", "ok", Limit::AtLeast(19.0)),
    ("timeout", "pool_kills_item", Limit::AtLeast(1.0)),
    ("orphan", "idle_left_after_3s", Limit::AtMost(0.0)),
    ("orphan", "busy_left_after_3s", Limit::AtMost(0.0)),
    ("ctrl_c", "processes_left", Limit::AtMost(0.0)),
];

const BARS: [Bar; 13] = [
    Bar {
        says: "first result, of procspawn's",
        case: "start",
        key: "first_result_ms",
        beside: Beside::Peer("procspawn", "first_result_ms"),
        limit: Limit::AtMost(1.0 / 3.0),
    },
    Bar {
        says: "first result, of futures'",
        case: "start",
        key: "first_result_ms",
        beside: Beside::Peer("futures", "first_result_ms"),
        limit: Limit::AtMost(1.0 / 3.0),
    },
    Bar {
        says: "one item, median, of the way through a socket and back in the same moments",
        case: "latency",
        key: "p50_us",
        beside: Beside::Peer("manyhands", "raw_p50_us"),
        limit: Limit::AtMost(1.5),
    },
    Bar {
        says: "tiny items one by one, of the best peer's speed",
        case: "tiny",
        key: "items_per_s_chunk_1",
        beside: Beside::BestPeer,
        limit: Limit::AtLeast(5.0),
    },
    Bar {
        says: "tiny items by default, of the speed of multiprocessing.Pool by default",
        case: "tiny",
        key: "items_per_s_chunk_auto",
        beside: Beside::Peer("mp", "items_per_s_chunk_auto"),
        limit: Limit::AtLeast(2.0),
    },
    Bar {
        says: "8 MB in, of the best peer's speed",
        case: "payload_in",
        key: "gb_s",
        beside: Beside::BestPeer,
        limit: Limit::AtLeast(5.0),
    },
    Bar {
        says: "8 MB out, of the best peer's speed",
        case: "payload_out",
        key: "gb_s",
        beside: Beside::BestPeer,
        limit: Limit::AtLeast(5.0),
    },
    Bar {
        says: "shared slice, first call, of threads' time",
        case: "shared",
        key: "first_call_s",
        beside: Beside::Peer("manyhands", "threads_first_s"),
        limit: Limit::AtMost(1.3),
    },
    Bar {
        says: "shared slice, later calls, of threads' time",
        case: "shared",
        key: "warm_call_s",
        beside: Beside::Peer("manyhands", "threads_warm_s"),
        limit: Limit::AtMost(1.3),
    },
    Bar {
        says: "crash, ms beyond the sleeps of the items",
        case: "crash",
        key: "time_s",
        beside: Beside::Unavoidable,
        limit: Limit::AtMost(60.0),
    },
    Bar {
        says: "time-out, ms beyond the limit and the sleeps of the items",
        case: "timeout",
        key: "time_s",
        beside: Beside::Unavoidable,
        limit: Limit::AtMost(60.0),
    },
    Bar {
        says: "Ctrl+C, s until the parent has ended",
        case: "ctrl_c",
        key: "parent_ended_s",
        beside: Beside::Nothing,
        limit: Limit::AtMost(0.5),
    },
    Bar {
        says: "a million items, MiB that the parent grows by",
        case: "million",
        key: "grown_mib",
        beside: Beside::Nothing,
        limit: Limit::Below(2.0),
    },
];

/// A table of the targets with their figures and verdicts.
pub(super) fn table_of(figures: &Figures) -> String {
    let head = ["bar", "limit", "figure", "verdict"].map(str::to_owned).to_vec();
    let rows = BARS.iter().map(|bar| {
        let (figure, verdict) = match bar.figure(figures) {
            Some((value, beside)) => (short(value) + &beside, if bar.limit.holds(value) { "held" } else { "missed" }),
            None => ("-".to_owned(), "not measured"),
        };
        vec![bar.says.to_owned(), bar.limit.text(), figure, verdict.to_owned()]
    });
    format!("\n## Bars\n\n{}", table(&[head].into_iter().chain(rows).collect::<Vec<_>>()))
}

/// The readings that show a bug.
pub(super) fn wrong(figures: &Figures) -> impl Iterator<Item = String> {
    RIGHT.iter().flat_map(|(case, key, limit)| {
        let readings = figures.numbers("manyhands", case, key).into_iter();
        let outside = readings.filter(|value| !limit.holds(*value));
        outside.map(move |value| format!("manyhands, {case}: {key} is {}, not {}", short(value), limit.text()))
    })
}

impl Bar {
    /// The figure, and the name of the best peer where that is chosen; `None` when a reading is missing.
    fn figure(&self, figures: &Figures) -> Option<(f64, String)> {
        let ours = figures.median("manyhands", self.case, self.key)?;
        let none = String::new();
        match self.beside {
            Beside::Peer(peer, key) => Some((ours / figures.median(peer, self.case, key)?, none)),
            Beside::BestPeer => self.best_peer(figures).map(|(best, peer)| (ours / best, format!(" ({peer})"))),
            Beside::Unavoidable => {
                figures.median("raw", self.case, self.key).map(|unavoidable| ((ours - unavoidable) * 1e3, none))
            }
            Beside::Nothing => Some((ours, none)),
        }
    }

    /// The highest figure of a peer, and its name. `raw`, the limit of the machine, is no peer.
    fn best_peer<'a>(&self, figures: &'a Figures) -> Option<(f64, &'a str)> {
        let peers = figures.peers(self.case).into_iter().filter(|peer| !["manyhands", "raw"].contains(peer));
        let medians = peers.filter_map(|peer| Some((figures.median(peer, self.case, self.key)?, peer)));
        medians.max_by(|(one, _), (other, _)| one.total_cmp(other))
    }
}

impl Limit {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(limit) => value >= limit,
            Self::AtMost(limit) => value <= limit,
            Self::Below(limit) => value < limit,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(limit) => format!("at least {}", short(limit)),
            Self::AtMost(limit) => format!("at most {}", short(limit)),
            Self::Below(limit) => format!("below {}", short(limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Figures {
        let mut figures = Figures::default();
        lines.iter().for_each(|line| figures.add(line).unwrap());
        figures
    }

    fn row<'a>(table: &'a str, begins: &str) -> Vec<&'a str> {
        let line = table.lines().find(|line| line.starts_with(&format!("| {begins}"))).unwrap();
        line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).skip(1).collect()
    }

    #[test]
    fn a_ratio_at_the_limit_is_held_and_one_beyond_is_missed() {
        let lines = [
            r#"{"peer": "manyhands", "case": "latency", "p50_us": 15, "raw_p50_us": 10}"#,
            r#"{"peer": "manyhands", "case": "start", "first_result_ms": 2}"#,
            r#"{"peer": "procspawn", "case": "start", "first_result_ms": 4}"#,
        ];
        let table = table_of(&read(&lines));
        assert_eq!(row(&table, "one item"), ["at most 1.5", "1.5", "held"]);
        assert_eq!(row(&table, "first result, of procspawn"), ["at most 0.333", "0.5", "missed"]);
    }

    #[test]
    fn a_peer_that_did_not_run_leaves_its_bar_open() {
        let table = table_of(&read(&[r#"{"peer": "manyhands", "case": "start", "first_result_ms": 2}"#]));
        assert_eq!(row(&table, "first result, of futures"), ["at most 0.333", "-", "not measured"]);
        assert_eq!(row(&table, "shared slice, first"), ["at most 1.3", "-", "not measured"]);
    }

    #[test]
    fn the_best_peer_is_named_and_is_no_limit() {
        let figures = read(&[
            r#"{"peer": "manyhands", "case": "payload_in", "gb_s": 6}"#,
            r#"{"peer": "mp", "case": "payload_in", "gb_s": 0.5}"#,
            r#"{"peer": "procspawn", "case": "payload_in", "gb_s": 1}"#,
            r#"{"peer": "raw", "case": "payload_in", "gb_s": 40}"#,
        ]);
        assert_eq!(row(&table_of(&figures), "8 MB in"), ["at least 5", "6 (procspawn)", "held"]);
    }

    #[test]
    fn what_could_not_be_avoided_is_taken_off() {
        let lines = [
            r#"{"peer": "manyhands", "case": "crash", "time_s": 0.65}"#,
            r#"{"peer": "raw", "case": "crash", "time_s": 0.55}"#,
            r#"{"peer": "manyhands", "case": "million", "grown_mib": 2}"#,
        ];
        let table = table_of(&read(&lines));
        assert_eq!(row(&table, "crash"), ["at most 60", "100", "missed"]);
        assert_eq!(row(&table, "a million"), ["below 2", "2", "missed"]);
    }

    #[test]
    fn one_worker_left_behind_in_one_round_is_wrong() {
        let lines = [
            r#"{"peer": "manyhands", "case": "orphan", "idle_left_after_3s": 0, "busy_left_after_3s": 0}"#,
            r#"{"peer": "manyhands", "case": "orphan", "idle_left_after_3s": 0, "busy_left_after_3s": 1}"#,
            r#"{"peer": "manyhands", "case": "orphan", "idle_left_after_3s": 0, "busy_left_after_3s": 0}"#,
            r#"{"peer": "loky", "case": "orphan", "idle_left_after_3s": 4, "busy_left_after_3s": 4}"#,
        ];
        let problems: Vec<String> = wrong(&read(&lines)).collect();
        assert_eq!(problems, ["manyhands, orphan: busy_left_after_3s is 1, not at most 0"]);
    }
}
