//! ThreadSanitizer over `tests/tsan`, which says what it can judge. Needs the nightly toolchain; where that is absent, a
//! loud line says so and nothing fails.

use crate::stage::{self, Done, Stages};
use std::process::Command;

/// std comes without the sanitizer; the second flag admits that.
const FLAGS: &str = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";

/// Builds the test with the sanitizer, in a target folder of its own, and runs it.
pub(crate) fn stage(stages: &mut Stages) -> Done {
    let host = match nightly_host() {
        Ok(host) => host,
        Err(reason) => {
            println!("SKIPPED: ThreadSanitizer did not run: {reason}");
            return Ok(());
        }
    };
    // With its target named, cargo keeps the flags from build scripts and macros, which run inside of the compiler.
    let what = ["test", "--package", "manyhands", "--test", "tsan", "--no-default-features"];
    let arguments = [&what[..], &["--locked", "--target", &host]].concat();
    // The last one makes the test look first whether a race would be reported.
    let environment = [("RUSTFLAGS", FLAGS), ("CARGO_TARGET_DIR", "target/tsan"), ("MANYHANDS_TSAN", "1")];
    let mut rustup = Command::new("rustup");
    rustup.args(["run", "nightly", "cargo"]).args(&arguments).envs(environment).current_dir(stages.root());
    let variables: String = environment.iter().map(|(name, value)| format!("{name}=\"{value}\" ")).collect();
    let shown = format!("{variables}rustup run nightly cargo {}", arguments.join(" "));
    stages.step("tsan", &shown, |_| stage::run(&mut rustup))
}

/// The machine that nightly builds for when nobody says otherwise, or why there is no nightly.
fn nightly_host() -> Result<String, String> {
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
