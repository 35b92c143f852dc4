//! The command line: a soak, as `cargo xtask soak` asks for it, or the short form that `cargo test` runs.

use std::process::ExitCode;
use std::time::Duration;

use manyhands_test_support::seed::seed;

use crate::fault::Fault;
use crate::kinds::{self, Kind};

/// The option that makes it a soak.
const SOAK: &str = "--soak";
const USAGE: &str = "\
Usage: cargo xtask soak [--calls N] [--minutes N] [--seed S] [--without FAULT,..] [KIND ..]

  --calls N       calls of each kind, 10000 without it
  --minutes N     no more than so long in all; kinds that had to stop are named
  --seed S        the seed of all that is drawn at random; a run prints its own
  --without F,..  faults that are not injected
  --from N        the number of each kind's first call";

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) seed: u64,
    pub(crate) first: usize,
    pub(crate) calls: usize,
    /// Calls between two looks at what is left behind.
    pub(crate) per_check: usize,
    pub(crate) at_most: Option<Duration>,
    pub(crate) without: Vec<Fault>,
    pub(crate) kinds: Vec<&'static Kind>,
    pub(crate) is_short: bool,
}

/// Faults that the short form leaves out, because a pause and a full disk take long.
const NOT_IN_SHORT_FORM: &[Fault] = &[Fault::Pause, Fault::Disk];

/// What the command line asks for, or the exit code where there is nothing to run.
pub(crate) fn read() -> Result<Options, ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == SOAK => soak(rest).map_err(|problem| {
            eprintln!("{problem}\n{USAGE}");
            eprintln!("\nkinds:  {}", kinds::ALL.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", "));
            eprintln!("faults: {}", Fault::ALL.map(Fault::name).join(", "));
            ExitCode::from(2)
        }),
        _ => short_form(&words),
    }
}

fn soak(words: &[String]) -> Result<Options, String> {
    let mut options = Options {
        seed: seed(),
        first: 0,
        calls: 10_000,
        per_check: 500,
        at_most: None,
        without: Vec::new(),
        kinds: Vec::new(),
        is_short: false,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().map(String::as_str).ok_or_else(|| format!("a value has to follow {word}"));
        match word.as_str() {
            "--calls" => options.calls = number(value()?)?,
            "--from" => options.first = number(value()?)?,
            "--seed" => options.seed = number(value()?)?,
            "--minutes" => options.at_most = Some(minutes(value()?)?),
            "--without" => options.without = faults(value()?)?,
            name => options.kinds.push(kinds::named(name).ok_or_else(|| format!("no kind or option `{name}`"))?),
        }
    }
    if options.kinds.is_empty() {
        options.kinds = kinds::ALL.iter().collect();
    }
    Ok(options)
}

fn number<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    word.parse().map_err(|_| format!("`{word}` is no number"))
}

fn minutes(word: &str) -> Result<Duration, String> {
    let minutes: f64 = number(word)?;
    Duration::try_from_secs_f64(60.0 * minutes).map_err(|_| format!("`{word}` is no number of minutes"))
}

fn faults(list: &str) -> Result<Vec<Fault>, String> {
    list.split(',').map(|name| Fault::named(name).ok_or_else(|| format!("no fault `{name}`"))).collect()
}

/// As test programs do: `--list` lists, and a word selects the kinds with that word in their name.
fn short_form(words: &[String]) -> Result<Options, ExitCode> {
    if words.iter().any(|word| word == "--list") {
        kinds::ALL.iter().for_each(|kind| println!("{}: test", kind.name));
        return Err(ExitCode::SUCCESS);
    }
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |kind: &&Kind| wanted.is_empty() || wanted.iter().any(|word| kind.name.contains(word.as_str()));
    let kinds: Vec<&'static Kind> = kinds::ALL.iter().filter(is_wanted).collect();
    if kinds.is_empty() {
        return Err(ExitCode::SUCCESS);
    }
    let (calls, per_check, without) = (40, 16, NOT_IN_SHORT_FORM.to_vec());
    Ok(Options { seed: seed(), first: 0, calls, per_check, at_most: None, without, kinds, is_short: true })
}
