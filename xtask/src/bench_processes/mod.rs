//! Runs the bench `processes` and the script of its Python peers in turns, and compares the figures with the targets.
//!
//! A slow figure does not fail the run; a wrong result of manyhands does. The peers need `python3`, its packages from PyPI
//! and the script beside the checkout; where one is missing, a line that begins with `SKIPPED:` says so and the other peers
//! run alone. The two programs define the cases and measure them.

mod bars;
mod figures;
mod python;

use crate::command::is_near;
use crate::stage::{Done, Failed, Stages, run};
use figures::Figures;
use python::Python;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

const ROUNDS: usize = 3;

/// The cases of both programs, in the order in which they run.
const CASES: [&str; 11] = [
    "start",
    "tiny",
    "latency",
    "payload_in",
    "payload_out",
    "shared",
    "crash",
    "timeout",
    "orphan",
    "ctrl_c",
    "million",
];

const OPTIONS: [&str; 2] = ["--small", "--without-python"];

/// Small sizes: a round takes four minutes and only shows that everything works.
#[rustfmt::skip]
const SMALL: [&str; 10] = [
    "--n", "2000", "--n_lat", "50", "--payload_items", "4", "--shared_f64", "1000000", "--million", "20000",
];

/// The file with the lines of the last run.
const LINES: &str = "target/bench-processes.jsonl";

/// The arguments of the command.
#[derive(Debug, PartialEq, Eq)]
struct BenchRun {
    rounds: usize,
    is_small: bool,
    has_python: bool,
    cases: Vec<&'static str>,
}

/// Runs both programs for each case of each round, and ends with tables.
pub(crate) fn stage(stages: &mut Stages, words: &[String]) -> Done {
    let run_options = parse(words).expect("these words were not refused");
    stages.cargo("bench, build", bench_words().into_iter().chain(["--no-run"]))?;
    let python = if run_options.has_python { peers(stages) } else { None };
    let mut figures = Figures::default();
    let mut is_complete = true;
    stages.step("rounds", &format!("{} of {}", run_options.rounds, run_options.cases.join(" ")), |root| {
        is_complete = take_rounds(&run_options, python.as_ref(), root, &mut figures)?;
        Ok(())
    })?;
    stages.step("figures", "medians, and the bars", |_| {
        println!("{}\n{}", figures.tables(), bars::table_of(&figures));
        judge(&figures, is_complete)
    })
}

/// Why the arguments are refused, if they are.
pub(crate) fn refuse(words: &[String]) -> Option<String> {
    parse(words).err()
}

fn parse(words: &[String]) -> Result<BenchRun, String> {
    let mut run_options = BenchRun { rounds: ROUNDS, is_small: false, has_python: true, cases: Vec::new() };
    for word in words {
        match word.as_str() {
            "--small" => run_options.is_small = true,
            "--without-python" => run_options.has_python = false,
            _ => match (word.parse(), CASES.iter().find(|case| *case == word)) {
                (Ok(rounds), _) if rounds > 0 => run_options.rounds = rounds,
                (_, Some(case)) => run_options.cases.push(case),
                _ => return Err(hint(word)),
            },
        }
    }
    if run_options.cases.is_empty() {
        run_options.cases = CASES.to_vec();
    }
    Ok(run_options)
}

fn hint(word: &str) -> String {
    let known = || OPTIONS.iter().chain(&CASES);
    let near = known().find(|name| is_near(word, name));
    let guess = near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    let names: Vec<&str> = known().copied().collect();
    format!("takes a number of rounds, {}, but got `{word}`{guess}", names.join(", "))
}

fn peers(stages: &mut Stages) -> Option<Python> {
    let mut python = None;
    let prepared = stages.step("python peers", python::SHOWN, |root| {
        match Python::prepare(root) {
            Ok(found) => {
                println!("{}", found.versions());
                python = Some(found);
            }
            Err(reason) => println!("SKIPPED: the Python peers did not run: {reason}"),
        }
        Ok(())
    });
    prepared.ok().and(python)
}

/// Runs all rounds. False when the bench of manyhands failed once.
fn take_rounds(
    run_options: &BenchRun,
    python: Option<&Python>,
    root: &Path,
    figures: &mut Figures,
) -> Result<bool, Failed> {
    let mut record = File::create(root.join(LINES)).map_err(|error| unwritten(&error))?;
    let mut is_complete = true;
    println!("load {}; every line is kept in {LINES}", load());
    for round in 0..run_options.rounds {
        for (case_idx, case) in run_options.cases.iter().enumerate() {
            let theirs = python.map(|python| python.script(root, case, run_options.is_small));
            let ours = bench(root, case, round, run_options.is_small);
            let mut turns: Vec<(Command, bool)> =
                theirs.map(|command| (command, false)).into_iter().chain([(ours, true)]).collect();
            // Each side goes first equally often.
            if (round + case_idx) % 2 == 1 {
                turns.reverse();
            }
            for (mut command, is_ours) in turns {
                let done = take(&mut command, round, figures, &mut record)?;
                is_complete &= done || !is_ours;
            }
        }
    }
    println!("load {}", load());
    Ok(is_complete)
}

fn bench(root: &Path, case: &str, round: usize, is_small: bool) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(bench_words()).args(["--quiet", "--", "--reps", "1", "--case", case]).current_dir(root);
    // The peers take turns at going first.
    cargo.args(["--first_rep", &round.to_string()]);
    if is_small {
        cargo.args(SMALL);
    }
    cargo
}

fn bench_words() -> [&'static str; 6] {
    ["bench", "--package", "manyhands-benches", "--bench", "processes", "--locked"]
}

/// Runs a program and prints, records and reads each of its lines. False when it failed.
fn take(command: &mut Command, round: usize, figures: &mut Figures, record: &mut File) -> Result<bool, Failed> {
    let mut program = match command.stdout(Stdio::piped()).spawn() {
        Ok(program) => program,
        // Says so and gives the exit code for it.
        Err(_) => return run(command).map(|()| false),
    };
    let printed = program.stdout.take().expect("its output is a pipe");
    for line in BufReader::new(printed).lines().map_while(Result::ok).filter(|line| line.starts_with('{')) {
        // The script runs once per round and always writes 0 as its repetition.
        let line = line.replacen("\"rep\": 0", &format!("\"rep\": {round}"), 1);
        println!("{line}");
        writeln!(record, "{line}").map_err(|error| unwritten(&error))?;
        if let Err(problem) = figures.add(&line) {
            println!("{problem}");
            return Ok(false);
        }
    }
    Ok(program.wait().is_ok_and(|status| status.success()))
}

fn unwritten(error: &std::io::Error) -> Failed {
    eprintln!("{LINES} cannot be written: {error}");
    Failed { exit_code: 1 }
}

/// A wrong result fails the run; a slow one does not.
fn judge(figures: &Figures, is_complete: bool) -> Done {
    let problems: Vec<String> = figures.problems(&["manyhands", "raw"]).chain(bars::wrong(figures)).collect();
    for problem in &problems {
        println!("WRONG: {problem}");
    }
    if problems.is_empty() && is_complete { Ok(()) } else { Err(Failed { exit_code: 1 }) }
}

/// The load average of the last minute.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<BenchRun, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn without_a_word_all_cases_run_with_all_peers() {
        let all = BenchRun { rounds: ROUNDS, is_small: false, has_python: true, cases: CASES.to_vec() };
        assert_eq!(read(""), Ok(all));
    }

    #[test]
    fn words_choose_rounds_cases_and_peers_in_any_order() {
        let some = BenchRun { rounds: 5, is_small: true, has_python: false, cases: vec!["tiny", "crash"] };
        assert_eq!(read("tiny 5 --without-python crash --small").as_ref(), Ok(&some));
    }

    #[test]
    fn a_word_that_says_nothing_is_refused() {
        assert!(read("payload").unwrap_err().ends_with("did you mean `payload_in`?"));
        for line in ["0", "-1", "--big", "2.5"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
