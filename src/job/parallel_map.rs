//! [`parallel_map`] and [`try_parallel_map`]: a job without settings.

use crate::backend::mode::Mode;
use crate::backend::task::{MapFn, TryMapFn};
use crate::error::Error;
use crate::job::Job;

/// Calls a function for each item, in the given mode, and returns all values in input order.
///
/// Each mode has its own bounds: see [`Serial`](crate::Serial), [`Threads`](crate::Threads) and, for worker processes,
/// `Processes`. For settings, see [`Job`].
///
/// Cost: workers write each value straight into the output. Per item they pay one atomic load and, for tiny items, no
/// clock.
///
/// # Errors
/// The panic with the lowest index, if the function panicked; all items before it are finished first. Or an invalid
/// configuration.
///
/// ```
/// use manyhands::{Serial, Threads, parallel_map};
///
/// let cubes = parallel_map(Threads, &[1, 2, 3], |n| n * n * n)?;
/// assert_eq!(cubes, [1, 8, 27]);
/// assert!(parallel_map(Serial, &[] as &[i32], |n| n + 1)?.is_empty());
///
/// let error = parallel_map(Threads, &[1, 0, 2], |n| 6 / n).unwrap_err();
/// assert_eq!(error.to_string(), "item 1 panicked: attempt to divide by zero");
/// # Ok::<(), manyhands::Error>(())
/// ```
///
/// A generic function that takes any mode, worker processes included, has the bound `M: Mode<T, MapFn<fn(&T) -> R>>`
/// and passes an `fn` pointer:
///
/// ```
/// use manyhands::{Error, Mode, Serial, Threads, job::MapFn, parallel_map};
///
/// fn twice<T, M>(mode: M, items: &[T], function: fn(&T) -> T) -> Result<Vec<T>, Error>
/// where
///     M: Mode<T, MapFn<fn(&T) -> T>> + Copy,
/// {
///     let once = parallel_map(mode, items, function)?;
///     parallel_map(mode, &once, function)
/// }
/// assert_eq!(twice(Threads, &[1, 2], |n| n * 10)?, [100, 200]);
/// assert_eq!(twice(Serial, &[3], |n| n + 1)?, [5]);
/// # Ok::<(), Error>(())
/// ```
pub fn parallel_map<T, R, F, M>(mode: M, items: &[T], function: F) -> Result<Vec<R>, Error>
where
    F: Fn(&T) -> R,
    M: Mode<T, MapFn<F>>,
{
    Job::new(items).mode(mode).run(function)?.into_result()
}

/// Calls a function that may return an error for each item, and returns all values in input order: [`parallel_map`] for
/// fallible functions.
///
/// # Errors
/// The failure with the lowest index: the function's own error, or its panic. Or an invalid configuration.
///
/// ```
/// use manyhands::{Cause, Threads, try_parallel_map};
///
/// let error = try_parallel_map(Threads, &["1", "b", "c"], |text| text.parse::<i32>()).unwrap_err();
/// let failure = error.into_failure().unwrap();
/// assert_eq!(failure.index, 1);
/// assert!(matches!(failure.cause, Cause::Error(_)));
/// ```
///
/// The causes of an error that implements `std::error::Error` are shown where the work asks for them:
///
/// ```
/// use manyhands::Job;
/// use std::{fmt, io};
///
/// #[derive(Debug)]
/// struct BadHeader(io::Error);
///
/// impl fmt::Display for BadHeader {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("reading header")
///     }
/// }
/// impl std::error::Error for BadHeader {
///     fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
///         Some(&self.0)
///     }
/// }
/// let read = |_: &&str| Err::<(), _>(BadHeader(io::Error::other("disk on fire")));
/// let outcome = Job::new(&["a.edf"]).try_map(read).error_sources().run()?;
/// assert_eq!(format!("{:#}", outcome.failures()[0]), "item 0 failed: reading header: disk on fire");
/// # Ok::<(), manyhands::Error<BadHeader>>(())
/// ```
pub fn try_parallel_map<T, R, E, F, M>(mode: M, items: &[T], function: F) -> Result<Vec<R>, Error<E>>
where
    F: Fn(&T) -> Result<R, E>,
    M: Mode<T, TryMapFn<F>>,
{
    Job::new(items).mode(mode).try_run(function)?.into_result()
}
