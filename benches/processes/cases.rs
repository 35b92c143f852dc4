//! Which peer has which case, and a process that measures one.

use std::process::ExitCode;

use crate::line::Line;
use crate::options::Options;
use crate::{drills, ours, raw, report, shared, spawned};

pub(crate) const PEERS: [&str; 3] = ["manyhands", "procspawn", "raw"];

pub(crate) const CASES: [&str; 11] = [
    "start",
    "tiny",
    "latency",
    "payload_in",
    "payload_out",
    "shared",
    "crash",
    "timeout",
    "orphan",
    "ctrl_c",
    "million",
];

/// What measures a case of a peer; `None` where the peer has no such case.
pub(crate) fn find(peer: &str, case: &str) -> Option<fn(&Options) -> Line> {
    Some(match (peer, case) {
        ("manyhands", "start") => ours::start,
        ("manyhands", "tiny") => ours::tiny,
        ("manyhands", "latency") => ours::latency,
        ("manyhands", "payload_in") => ours::payload_in,
        ("manyhands", "payload_out") => ours::payload_out,
        ("manyhands", "shared") => shared::shared,
        ("manyhands", "crash") => ours::crash,
        ("manyhands", "timeout") => ours::timeout,
        ("manyhands", "orphan") => |_| drills::orphan("manyhands"),
        ("manyhands", "ctrl_c") => |_| drills::ctrl_c("manyhands"),
        ("manyhands", "million") => ours::million,
        ("procspawn", "start") => spawned::start,
        ("procspawn", "tiny") => spawned::tiny,
        ("procspawn", "latency") => spawned::latency,
        ("procspawn", "payload_in") => spawned::payload_in,
        ("procspawn", "payload_out") => spawned::payload_out,
        ("procspawn", "shared") => spawned::shared,
        ("procspawn", "crash") => spawned::crash,
        ("procspawn", "timeout") => spawned::timeout,
        ("procspawn", "orphan") => |_| drills::orphan("procspawn"),
        ("procspawn", "ctrl_c") => |_| drills::ctrl_c("procspawn"),
        ("procspawn", "million") => spawned::million,
        ("raw", "start") => raw::start,
        ("raw", "latency") => raw::latency,
        ("raw", "payload_in" | "payload_out") => raw::copies,
        ("raw", "shared") => raw::shared,
        ("raw", "crash") => raw::crash,
        ("raw", "timeout") => raw::timeout,
        _ => return None,
    })
}

/// Does what the driver, or a drill, started this process for.
pub(crate) fn play(child: &str, options: &Options) -> ExitCode {
    match child.split_once(':') {
        Some(("drill", rest)) => drills::play_parent(rest, options),
        Some(("drill-session", rest)) => {
            drills::begin_session();
            drills::play_parent(rest, options);
        }
        Some((peer, case)) => {
            drills::begin_session();
            let measure = find(peer, case).expect("the driver asks for what there is");
            report::say(&measure(options).to_string());
        }
        None => raw::echo(),
    }
    ExitCode::SUCCESS
}
