//! The harness of test programs that have a `main` of their own, because copies of them become workers, parents or children.
//! It takes the options of every test program.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
pub use libtest_mimic::{Arguments, Failed};

use crate::seed::replay_command;
use crate::watchdog::Watchdog;

/// One test of such a program.
#[derive(Debug, Clone, Copy)]
pub struct Drill<F> {
    /// Its module and function, as `crate::module::function`.
    pub name: &'static str,
    /// The function.
    pub function: F,
}

/// Lists the drills of a module as its constant `DRILLS`. A function that is not listed is dead code, which the compiler reports.
///
/// The program says in its own `crate::harness::Function` what type its drills have.
#[macro_export]
#[expect(clippy::crate_in_macro_def, reason = "the function type is that of the program that lists its drills")]
macro_rules! drills {
    ($($(#[$attribute:meta])* $name:ident),+ $(,)?) => {
        pub(crate) const DRILLS: &[$crate::harness::Drill<crate::harness::Function>] = &[
            $($(#[$attribute])* $crate::harness::Drill {
                name: concat!(module_path!(), "::", stringify!($name)),
                function: $name,
            }),+
        ];
    };
}
pub use crate::drills;

/// Runs the drills that the arguments select, each through `run`, which is given the drill's name and function.
pub fn run_suite<F: Copy + Send + Sync + 'static>(
    arguments: &Arguments,
    modules: &[&'static [Drill<F>]],
    run: impl Fn(&'static str, F) -> Result<(), Failed> + Copy + Send + 'static,
) -> ExitCode {
    let trial = |drill: &'static Drill<F>| {
        let name = drill.name.split_once("::").map_or(drill.name, |(_, name)| name);
        Trial::test(name, move || run(name, drill.function))
    };
    let trials = modules.iter().flat_map(|module| module.iter()).map(trial).collect();
    libtest_mimic::run(arguments, trials).exit_code()
}

/// The arguments of a program whose drills run one after the other, because they count processes or descriptors of the whole
/// program.
pub fn one_after_the_other() -> Arguments {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    arguments
}

/// Runs one drill under a [`Watchdog`], and prints how long it took.
///
/// # Errors
///
/// The message of its panic, and the command that replays it.
pub fn run_watched(name: &str, timeout: Duration, act: impl FnOnce()) -> Result<(), String> {
    let begun = Instant::now();
    let watchdog = Watchdog::start(name, replay_command(Some(name)), timeout);
    let result = catch_unwind(AssertUnwindSafe(act));
    drop(watchdog);
    eprintln!("{name} took {:.1?}", begun.elapsed());
    result.map_err(|payload| format!("{}\nreplay with: {}", message_of(&*payload), replay_command(Some(name))))
}

/// The message of a panic.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_the_message_and_the_replay_command() {
        let run = |act: fn()| run_watched("module::name", Duration::from_secs(60), act);
        assert_eq!(run(|| {}), Ok(()));
        let failed = run(|| panic!("on {}", "purpose")).unwrap_err();
        assert_eq!(failed, format!("on purpose\nreplay with: {}", replay_command(Some("module::name"))));
    }
}
