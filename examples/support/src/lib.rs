//! What the command lines of the consumers share: how they end, what they print, how they are interrupted and resumed, and the
//! pictures and pages that they write.
//!
//! Counterparts: the consumers, such as `examples/sleep-analysis`, use this crate from their `cli` folders. Science and the
//! structs of arguments stay there; nothing here knows what an item of a run is.
//!
//! - [`ExitStatus`]: the exit code of a command.
//! - [`Output`]: results on standard output, everything else on standard error; a closed pipe does no harm.
//! - [`Interruption`]: the first Ctrl+C lets running items finish, the second one ends the process.
//! - [`command_line`]: the command to resume a run, quoted for a shell.
//! - [`input`]: the one budget of all readers; only regular files, and no more of them than a machine can hold.
//! - [`Heartbeat`]: a line every few seconds while a command works.
//! - [`OutFolder`]: the names that a command may write to.
//! - [`CliContext`]: the flags that all commands of a consumer take.
//! - [`flag_values`]: counts and sizes of flags.
//! - [`Usage`]: what a command and its worker processes use of cores and memory.
//! - [`RunFolder`]: where a run keeps its journal and its reports.
//! - `licences`: those of the fonts that a program carries, with the feature `png`.
//! - [`picture`]: drawings from a list of marks, as SVG and, with the feature `png`, as PNG.
//! - [`page`]: the frame of an HTML page and its usual sections, with text through [`escape`].

mod cli_context;
pub mod command_line;
mod escape;
mod exit_status;
pub mod flag_values;
mod heartbeat;
pub mod input;
mod interruption;
#[cfg(feature = "png")]
pub mod licences;
mod out_folder;
mod output;
pub mod page;
pub mod picture;
mod run_folder;
mod usage;

pub use cli_context::CliContext;
pub use escape::escape;
pub use exit_status::ExitStatus;
pub use heartbeat::Heartbeat;
pub use interruption::{Interrupted, Interruption};
pub use out_folder::{OutFolder, OutFolderError};
pub use output::{Output, notice, visible};
pub use run_folder::RunFolder;
pub use usage::{Usage, UsageSince};
