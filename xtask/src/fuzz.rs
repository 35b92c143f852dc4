//! The fuzz targets of `fuzz/`, each for a minute, outside of the merge gate.
//!
//! They need the nightly toolchain and cargo-fuzz; without the first, a line that begins with `SKIPPED:` says so, the second is
//! installed. Each target begins with its corpus, and what it finds beyond that goes to `target`, not to the corpus.

use crate::stage::{self, Done, Failed, Stages};
use crate::tools::FUZZ;
use crate::tsan::nightly_host;
use std::path::Path;
use std::process::Command;

/// One per reader of the consumers, and per decoder of the library.
const TARGETS: [&str; 9] =
    ["edf", "brainvision", "csv", "captures", "light_curve", "job", "frames", "journal_rows", "journal_file"];

const SECONDS: u32 = 60;

/// An input that takes longer, or more memory in MiB, is a finding.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=65536"];

/// What to run.
#[derive(Debug, PartialEq)]
struct Choice<'a> {
    seconds: u32,
    targets: Vec<&'a str>,
}

pub(crate) fn stage(stages: &mut Stages, words: &[String]) -> Done {
    let Choice { seconds, targets } = parse(words).expect("these words were not refused");
    if let Err(reason) = nightly_host() {
        println!("SKIPPED: no target was fuzzed: {reason}");
        return Ok(());
    }
    FUZZ.install_if_absent(stages)?;
    for target in targets {
        let found = stages.root().join("target/fuzz-found").join(target);
        std::fs::create_dir_all(&found).map_err(|error| {
            println!("{} cannot be made: {error}", found.display());
            Failed { exit_code: 1 }
        })?;
        let arguments = arguments(target, &found, seconds);
        let shown = format!("rustup run nightly cargo {}", arguments.join(" "));
        stages.step("fuzz", &shown, |root| stage::run(&mut nightly(root, &arguments)))?;
    }
    Ok(())
}

pub(crate) fn refuse(words: &[String]) -> Option<String> {
    parse(words).err()
}

fn parse(words: &[String]) -> Result<Choice<'_>, String> {
    let mut choice = Choice { seconds: SECONDS, targets: Vec::new() };
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let number = words.next().unwrap_or_default();
            let seconds = number.parse().ok().filter(|seconds| *seconds > 0);
            choice.seconds = seconds.ok_or_else(|| format!("needs a number of seconds above 0, and not `{number}`"))?;
        } else if let Some(target) = TARGETS.into_iter().find(|target| *target == word) {
            choice.targets.push(target);
        } else {
            return Err(format!("has no target `{word}`; there are {}", TARGETS.join(", ")));
        }
    }
    if choice.targets.is_empty() {
        choice.targets.extend(TARGETS);
    }
    Ok(choice)
}

/// New inputs are written to the first folder; the corpus is the second.
fn arguments(target: &str, found: &Path, seconds: u32) -> Vec<String> {
    let (found, corpus) = (found.display().to_string(), format!("fuzz/corpus/{target}"));
    let time = format!("-max_total_time={seconds}");
    let words = ["fuzz", "run", target, &found, &corpus, "--", &time];
    words.into_iter().chain(LIMITS).map(str::to_owned).collect()
}

fn nightly(root: &Path, arguments: &[String]) -> Command {
    let mut rustup = Command::new("rustup");
    rustup.args(["run", "nightly", "cargo"]).args(arguments).env("CARGO_TARGET_DIR", "target/fuzz").current_dir(root);
    rustup
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn all_targets_run_for_a_minute_unless_some_are_chosen() {
        assert_eq!(parse(&[]).unwrap(), Choice { seconds: 60, targets: TARGETS.to_vec() });
        assert_eq!(parse(&words("edf --seconds 5")).unwrap(), Choice { seconds: 5, targets: vec!["edf"] });
        assert!(
            parse(&words("pdf"))
                .unwrap_err()
                .contains("has no target `pdf`; there are edf, brainvision, csv, captures, light_curve, job")
        );
        for line in ["--seconds", "--seconds 0", "--seconds x"] {
            assert!(parse(&words(line)).unwrap_err().contains("a number of seconds above 0"), "{line}");
        }
    }

    #[test]
    fn each_target_has_its_source_and_a_corpus() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("fuzz");
        for target in TARGETS {
            assert!(fuzz.join(format!("fuzz_targets/{target}.rs")).exists(), "{target}");
            assert!(std::fs::read_dir(fuzz.join("corpus").join(target)).unwrap().count() >= 2, "{target}");
        }
    }
}
