//! [`Never`]: the error type of a function that cannot fail.

use serde::{Deserialize, Serialize};

/// The error type of a function that cannot fail: it has no value.
///
/// It deliberately has no `Display`. So `?` can convert the [`Error`](crate::Error) of a call whose function cannot
/// fail into the error of any call whose error type has `Display`. Generic code uses the bound
/// [`ErrorText`](crate::job::ErrorText), which covers both.
///
/// ```
/// use manyhands::{Error, Threads, parallel_map, try_parallel_map};
/// use std::num::ParseIntError;
///
/// fn sum(texts: &[&str]) -> Result<u32, Error<ParseIntError>> {
///     let lengths = parallel_map(Threads, texts, |text| text.len() as u32)?; // Error<Never>
///     let numbers = try_parallel_map(Threads, texts, |text| text.parse::<u32>())?; // Error<ParseIntError>
///     Ok(lengths.iter().chain(&numbers).sum())
/// }
/// assert_eq!(sum(&["10", "5"]).unwrap(), 18);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Never {}
