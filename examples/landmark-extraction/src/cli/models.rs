//! `models unpack`: the models out of the wheel of a Python package.

use consumer_support::command_line::shell_quoted;
use consumer_support::{ExitStatus, Output};
use landmark_extraction::models::files::HOW_TO_GET;
use serde_json::json;

use super::args::UnpackArgs;
use super::{Refusal, text};

/// One line that says how the models are got.
pub(super) fn how_to_get_models() -> String {
    format!("to get the models: {HOW_TO_GET}")
}

/// Unpacks the models of a wheel and checks them.
///
/// # Errors
/// A message when the wheel is not the right one, or the files cannot be written.
pub(super) fn unpack(args: &UnpackArgs, output: &Output) -> Result<ExitStatus, Refusal> {
    let files = landmark_extraction::models::unpack(&args.wheel, &args.to).map_err(text)?;
    files.iter().for_each(|file| output.result(&file.display()));
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    output.result(&format!("{} files, each with the checksum that it should have", files.len()));
    output.result(&format!("use them: landmark-extraction extract DATA --out DIR --models {}", shell_quoted(&args.to)));
    output.json(&json!({ "operation": "models unpack", "files": files }).to_string());
    Ok(ExitStatus::Done)
}
