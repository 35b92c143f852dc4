//! What a task needs so that its items can run in another process, as one bound instead of five.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::task::Task;

/// A type whose values can be sent to another process: they are encoded with serde on one side and decoded on the other.
pub(super) trait Travels: Serialize + DeserializeOwned {}

impl<V: Serialize + DeserializeOwned> Travels for V {}

/// A task whose shared value, results and errors can be sent between processes.
pub(super) trait ProcessTask<T>: Task<T, Shared: Travels, Output: Travels, Error: Travels> {}

impl<T, K: Task<T, Shared: Travels, Output: Travels, Error: Travels>> ProcessTask<T> for K {}
