//! What a bench says of itself: the machine, and tables that are read as text as well as as Markdown.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

/// Writes a title, and the machine and the code that the figures below it belong to.
pub(crate) fn head(title: &str) {
    say(&format!("\n## {title}\n\n{}, load {} before", machine(), load()));
}

/// Writes how busy the machine was at the end.
pub(crate) fn foot() {
    say(&format!("\nLoad {} after.", load()));
}

/// Writes a line.
pub(crate) fn say(line: &str) {
    // A reader that has gone away is no reason to fail.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// Writes the head of a table.
pub(crate) fn table_head(columns: &[&str]) {
    let widths: Vec<String> = columns.iter().map(|column| "-".repeat(column.len())).collect();
    say(&format!("\n| {} |\n|-{}-|", columns.join(" | "), widths.join("-|-")));
}

/// Writes a row of a table.
pub(crate) fn row(cells: &[String]) {
    say(&format!("| {} |", cells.join(" | ")));
}

/// A time with three digits and its unit.
pub(crate) fn time_text(time: Duration) -> String {
    let nanos = time.as_secs_f64() * 1e9;
    let (value, unit) = match nanos {
        _ if nanos < 1e3 => (nanos, "ns"),
        _ if nanos < 1e6 => (nanos / 1e3, "us"),
        _ if nanos < 1e9 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

/// The processor, its cores, the compiler and the commit.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map(|(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let mut text = format!("{}, {cores} cores", model.unwrap_or("unknown processor"));
    let changed =
        answer_of("git", &["status", "--porcelain", "--untracked-files=no"]).is_some_and(|files| !files.is_empty());
    for (what, found) in
        [("", answer_of("rustc", &["--version"])), ("commit ", answer_of("git", &["rev-parse", "--short", "HEAD"]))]
    {
        write!(text, ", {what}{}", found.unwrap_or_else(|| "unknown".into())).expect("a string takes every write");
    }
    if changed { text + " with changes" } else { text }
}

fn answer_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The mean number of runnable threads of the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
