//! Prepares a program for worker processes, which are copies of it.

use crate::backend::process::system::become_worker;

/// Prepares the program for worker processes. Call it first in `main`.
///
/// A worker process is a copy of the running program. In such a copy this function serves items and never returns; in
/// any other process it returns at once. Code before it runs once in each worker too, so it must come before the
/// program reads its arguments, opens files or prints. Without it, a call in [`Processes`](crate::Processes) is an
/// error that says so, and starts nothing.
///
/// In the binary of `#[test]` functions, which has no `main` of your own, use [`init_in_tests!`](crate::init_in_tests).
///
/// Costs a look at one environment variable, `MANYHANDS_WORKER`, which the program must not set.
///
/// | the process | what the call does |
/// |---|---|
/// | started by a person or another program | returns; process modes work from now on |
/// | has more rights than the user who started it | returns; a call in a process mode is an error |
/// | started as a worker by its caller | serves items until the caller is gone, then exits with code 0 |
/// | started by an item of a worker, and has the worker's variable | returns, as without the variable |
/// | has `MANYHANDS_WORKER` set by mistake, or is to be a worker of another than its parent and user | prints a message that names the variable, exits with code 125 |
/// | is a worker, and an item calls it | returns |
///
/// # Concurrency
/// Any thread may call it, and more than once. Threads that are there before it do no harm: where a worker has some, its
/// environment is left as it is, and what its items start finds the variable and passes over it.
///
/// ```standalone_crate
/// use manyhands::{Processes, parallel_map};
///
/// manyhands::init();
/// let lengths = parallel_map(Processes::new(), &["a".to_owned(), "bcd".to_owned()], |text: &String| text.len());
/// assert_eq!(lengths.unwrap(), [1, 3]);
/// ```
pub fn init() {
    become_worker();
}

/// Prepares a test binary for worker processes. Write it once in the binary's root file, outside of any function.
///
/// It is [`init`](crate::init) for a program whose `main` comes from the test harness: copies of the binary become
/// workers before they reach that `main`, and so run no test. In a library's unit tests it belongs behind
/// `#[cfg(test)]`.
///
/// Such a worker starts before std has prepared the process, so a stack overflow in it is reported as the signal alone,
/// without std's message.
///
/// ```standalone_crate
/// manyhands::init_in_tests!();
///
/// fn squares_come_back() {
///     let squares = manyhands::parallel_map(manyhands::Processes::new(), &[1, 2, 3], |n: &i32| n * n);
///     assert_eq!(squares.unwrap(), [1, 4, 9]);
/// }
/// # squares_come_back();
/// ```
#[macro_export]
macro_rules! init_in_tests {
    () => {
        const _: () = {
            extern "C" fn before_main() {
                $crate::init();
            }

            // SAFETY: the loader calls what lies in this section once before `main`, with arguments that the function may
            // ignore; std's threads, files and environment may be used there on Linux.
            #[used]
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
            static BEFORE_MAIN: extern "C" fn() = before_main;
        };
    };
}
