//! Runs the first command that README.md shows, with its output in a temporary folder.
//!
//! It checks that the files which README.md names exist and are not empty. The tests of `sleep-analysis` check what is in
//! them.

use crate::stage::{Done, Failed, Stages};
use std::fs;
use std::path::Path;

/// The command as README.md shows it; `tidy` checks that the two agree.
pub(crate) const COMMAND: &str = "cargo run --release -p sleep-analysis";

const FILES: [&str; 4] = ["features.csv", "aligned.csv", "summary.json", "index.html"];

/// Runs the command, checks its files, and removes them in every case.
pub(crate) fn stage(stages: &mut Stages) -> Done {
    let out = std::env::temp_dir().join(format!("manyhands-first-run-{}", std::process::id()));
    let done = run_and_look(stages, &out);
    // The folder does not exist when the command failed before it wrote a file.
    if out.exists() {
        fs::remove_dir_all(&out).unwrap_or_else(|error| eprintln!("{} stays behind: {error}", out.display()));
    }
    done
}

fn run_and_look(stages: &mut Stages, out: &Path) -> Done {
    let words = COMMAND.split_whitespace().skip(1).map(AsRef::as_ref);
    let options = ["--locked".as_ref(), "--".as_ref(), "--out".as_ref(), out.as_os_str()];
    stages.cargo("first run", words.chain(options))?;
    stages.step("its files", &FILES.join(" "), |_| look(out))
}

fn look(out: &Path) -> Done {
    let missing: Vec<&str> = FILES.into_iter().filter(|name| !holds_something(&out.join(name))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("{COMMAND} left these files missing or empty: {}", missing.join(", "));
    Err(Failed { exit_code: 1 })
}

fn holds_something(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_empty_file_fails_the_first_run() {
        let out = std::env::temp_dir().join(format!("xtask-look-{}", std::process::id()));
        fs::create_dir_all(&out).unwrap();
        for name in FILES {
            assert_eq!(look(&out), Err(Failed { exit_code: 1 }), "before {name}");
            fs::write(out.join(name), "x").unwrap();
        }
        assert_eq!(look(&out), Ok(()));
        fs::write(out.join("index.html"), "").unwrap();
        assert_eq!(look(&out), Err(Failed { exit_code: 1 }));
        fs::remove_dir_all(&out).unwrap();
    }
}
