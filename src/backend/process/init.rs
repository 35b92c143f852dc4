//! Where a copy of the program becomes a worker.

use crate::backend::process::system::become_worker;

/// Prepares the program for [`Processes`](crate::Processes): first in `main`, before it reads its arguments or does anything
/// that is not to be done once per worker.
///
/// A worker process is a copy of the running program. In such a copy this function serves items and never returns; in any other
/// process it returns at once. A call in [`Processes`](crate::Processes) without it is an error that says so; it starts nothing.
///
/// In the binary of `#[test]` functions, whose `main` is not yours, use [`init_in_tests!`](crate::init_in_tests) instead.
///
/// # Concurrency
/// It may be called by any thread and more than once.
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

/// [`init`](crate::backend::process::init) for a test binary: once in its root file, outside of any function. Copies of the binary become workers
/// before they come to its `main`, and so run no test.
///
/// In a library's unit tests it belongs behind `#[cfg(test)]`. Workers begin before std has prepared the process: of a stack that
/// overflows, the system's own signal is told instead of std's message.
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

            // SAFETY: what lies in this section is called once before `main`, without arguments that it would look at; std's
            // threads, files and environment may be used there on Linux.
            #[used]
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
            static BEFORE_MAIN: extern "C" fn() = before_main;
        };
    };
}
