//! A copy of this program that runs a study.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use manyhands_test_support::child::{Child, Exit};
use serde::{Deserialize, Serialize};

use crate::study::{Setting, Study};

const ORDERS: &str = "MANYHANDS_CRASH_ORDERS";

/// What a copy is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) role: String,
    pub(crate) study: Study,
}

/// What this copy is to do.
pub(crate) fn orders() -> Option<Orders> {
    let text = std::env::var(ORDERS).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Starts a copy in this role.
pub(crate) fn start(role: &str, study: &Study) -> Child {
    start_by_way_of(&[], role, study)
}

/// Starts other programs, the last of which becomes the copy.
pub(crate) fn start_by_way_of(words: &[&str], role: &str, study: &Study) -> Child {
    let itself = std::env::current_exe().unwrap();
    let mut command = match words.split_first() {
        None => Command::new(itself),
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(itself);
            command
        }
    };
    let orders = Orders { role: role.to_owned(), study: study.clone() };
    command.env(ORDERS, serde_json::to_string(&orders).unwrap());
    // A group of its own, as a shell gives each of its jobs: the one that Ctrl+C goes to.
    Child::spawn(command.process_group(0))
}

/// Lets a copy finish a study whose first run was ended, without slow subjects; gives the study as of this second run.
#[track_caller]
pub(crate) fn resume(study: &Study) -> Study {
    let setting = Setting { run: 1, slow: Duration::ZERO, ..study.setting.clone() };
    let resumed = Study { setting, ..study.clone() };
    let (exit, said) = start("study", &resumed).end();
    assert_eq!(exit, Exit::Code(0), "{said}");
    resumed
}
