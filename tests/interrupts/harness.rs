//! What holds for every drill: nothing hangs. Drills run side by side, since each looks at its own copy alone.

use std::process::ExitCode;
use std::time::Duration;

use manyhands_test_support::harness::{Arguments, Failed, run_watched};
pub(crate) use manyhands_test_support::harness::{Drill, drills};
use manyhands_test_support::signals::{INT, restore_default};

/// A drill is given nothing.
pub(crate) type Function = fn();

/// How long a drill may take before the program ends, hung.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) fn run_suite() -> ExitCode {
    // The copies inherit what this program does at Ctrl+C.
    restore_default(INT);
    let modules: [&'static [Drill<Function>]; 1] = [crate::drills::DRILLS];
    manyhands_test_support::harness::run_suite(&Arguments::from_args(), &modules, |name, function| {
        run_watched(name, TIMEOUT, function).map_err(Failed::from)
    })
}
