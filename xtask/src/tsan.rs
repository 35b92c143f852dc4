//! Runs `tests/tsan` under ThreadSanitizer; the head of that test says what the sanitizer can judge. It needs the nightly
//! toolchain; without it, it prints a line that begins with `SKIPPED:`, and nothing fails.

use crate::stage::{self, Done, Stages};
use std::process::Command;

/// std is built without the sanitizer; the second flag allows that, and the third shows it the order of std's locks.
const FLAGS: &str = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg manyhands_tsan";

/// Builds the test with the sanitizer, in its own target folder, and runs it.
pub(crate) fn stage(stages: &mut Stages) -> Done {
    let host = match nightly_host() {
        Ok(host) => host,
        Err(reason) => {
            println!("SKIPPED: ThreadSanitizer did not run: {reason}");
            return Ok(());
        }
    };
    // With an explicit target, cargo does not pass the flags to build scripts and macros, which run inside the compiler.
    let what = ["test", "--package", "manyhands", "--test", "tsan", "--no-default-features"];
    let arguments = [&what[..], &["--locked", "--target", &host]].concat();
    // The last variable makes the test check first that a race is reported.
    let environment = [("RUSTFLAGS", FLAGS), ("CARGO_TARGET_DIR", "target/tsan"), ("MANYHANDS_TSAN", "1")];
    let mut rustup = Command::new("rustup");
    rustup.args(["run", "nightly", "cargo"]).args(&arguments).envs(environment).current_dir(stages.root());
    let variables: String = environment.iter().map(|(name, value)| format!("{name}=\"{value}\" ")).collect();
    let shown = format!("{variables}rustup run nightly cargo {}", arguments.join(" "));
    stages.step("tsan", &shown, |_| stage::run(&mut rustup))
}

/// The default target of the nightly toolchain, or why there is no such toolchain.
pub(crate) fn nightly_host() -> Result<String, String> {
    let mut rustup = Command::new("rustup");
    let answer = rustup.args(["run", "nightly", "rustc", "-vV"]).output();
    let answer = answer.map_err(|error| format!("rustup could not be started: {error}"))?;
    if !answer.status.success() {
        return Err("there is no nightly toolchain; get one with `rustup toolchain install nightly`".to_owned());
    }
    host(&String::from_utf8_lossy(&answer.stdout)).ok_or_else(|| "nightly does not name its host".to_owned())
}

fn host(version: &str) -> Option<String> {
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_from_the_long_version() {
        let version = "rustc 1.97.0-nightly\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.97.0-nightly\n";
        assert_eq!(host(version).as_deref(), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host("rustc 1.97.0"), None);
    }
}
