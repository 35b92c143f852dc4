//! What a task needs so that its items can run in another process, as one bound instead of five.
//!
//! Without these two traits, each function of `supervisor` would repeat the bounds. `Processes` itself spells them out,
//! as its bounds are what a user reads in an error of the compiler.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::process_task::ProcessTask;
use crate::backend::task::Context;

/// A type whose values can be sent to another process: they are encoded with serde on one side and decoded on the
/// other.
pub(super) trait Travels: Serialize + DeserializeOwned {}

impl<V: Serialize + DeserializeOwned> Travels for V {}

/// A task whose functions are `fn` pointers, and whose shared value, results and errors can be sent between processes.
pub(super) trait SerdeTask<T>:
    ProcessTask<T, Context: Context<Shared: Travels>, Output: Travels, Error: Travels>
{
}

impl<T, K> SerdeTask<T> for K where K: ProcessTask<T, Context: Context<Shared: Travels>, Output: Travels, Error: Travels>
{}
