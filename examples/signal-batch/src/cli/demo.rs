//! `demo`: the four demonstrations, one or all, and whether they still find what is stored.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use consumer_support::{CliContext, ExitStatus, Usage};
use manyhands::CancelToken;
use serde_json::{Map, Value, json};

use super::Refusal;
use crate::demos::{Checked, DEMOS, Demo, Findings, Stage, check};

/// Which demonstrations.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DemoArgs {
    /// Which one, or all of them.
    #[arg(value_enum)]
    pub(super) which: Which,
    /// Where their results go, each in a folder of its own.
    #[arg(long, default_value = "signal-out", value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Compare what they find with what is stored, and report what each covers.
    #[arg(long)]
    pub(super) check: bool,
}

/// A demonstration, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Which {
    /// Pools of workers, results as completed, errors in workers, which pool when.
    #[value(name = "1")]
    Pools,
    /// Aggregation, outliers, groups, quality, a report.
    #[value(name = "2")]
    Aggregation,
    /// Live progress, a stall, and resuming after a failure half-way.
    #[value(name = "3")]
    Progress,
    /// Serial, threads, processes, GPU and a journalled run, timed, with a recommendation.
    #[value(name = "4")]
    Methods,
    /// All four.
    All,
}

const EXAMPLES: &str = "\
Examples:
  signal-batch demo 1
  signal-batch demo all --out shown
  signal-batch demo all --check     do they still find what they should?

Each is a file to read from top to bottom: src/demos/pools.rs, aggregation.rs, progress.rs and
methods.rs. --mode and --workers change demos 2 and 3; the others try every mode.

Exit code 0: all shown, 1: one could not be shown, or with --check found something else than
what is stored, 2: could not run, 130: ended by Ctrl+C.";

/// What became of a demonstration.
struct Shown {
    demo: Demo,
    /// What it found, or why it could not be shown.
    found: Result<Findings, Refusal>,
    /// Its features, compared with what is stored, where that was asked for.
    checked: Vec<Checked>,
}

/// Shows demonstrations. One that cannot be shown costs no other.
///
/// # Errors
/// A message when there is no place to write, or signals cannot be listened to.
pub(super) fn demo(args: &DemoArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let begin = Usage::now();
    let interruption = context.listen("the running captures".to_owned())?;
    let mut shown = Vec::new();
    for demo in DEMOS.into_iter().filter(|demo| args.which.includes(*demo)) {
        shown.push(show(demo, args, context, interruption.token())?);
        if let Some(interrupted) = interruption.interrupted() {
            return Ok(ExitStatus::Interrupted(interrupted.exit_code));
        }
    }
    if args.check {
        context.output.result(&format!("\n{}", coverage(&shown)));
    }
    for complaint in shown.iter().flat_map(complaints) {
        context.output.error(&complaint);
    }
    let usage = Usage::now().since(&begin);
    context.output.result(&format!("\n{:.1} s; {usage}; results in {}", usage.wall.as_secs_f64(), args.out.display()));
    context.output.json(&summary(&shown, args, usage.wall.as_secs_f64()).to_string());
    let is_well = shown.iter().all(|shown| complaints(shown).is_empty());
    Ok(if is_well { ExitStatus::Done } else { ExitStatus::Incomplete })
}

impl Which {
    fn includes(self, demo: Demo) -> bool {
        let number = match self {
            Self::Pools => 1,
            Self::Aggregation => 2,
            Self::Progress => 3,
            Self::Methods => 4,
            Self::All => return true,
        };
        demo.number == number
    }
}

fn show(demo: Demo, args: &DemoArgs, context: &CliContext<'_>, stop: &CancelToken) -> Result<Shown, Refusal> {
    let stage = Stage::new(context, args.out.join(demo.name), stop)?;
    let found = demo.show(&stage);
    let checked = match &found {
        Ok(findings) if args.check => check(&demo, findings),
        _ => Vec::new(),
    };
    Ok(Shown { demo, found, checked })
}

/// What each demonstration covers, and whether it is as stored.
fn coverage(shown: &[Shown]) -> String {
    let line = |demo: Demo, checked: &Checked| {
        let verdict = if checked.differences.is_empty() { "ok" } else { "DIFFERS" };
        format!("{:<4} {:<12} {:<45} {:>5}  {verdict}\n", demo.number, demo.name, checked.feature, checked.n_facts)
    };
    let lines = shown.iter().flat_map(|shown| shown.checked.iter().map(|checked| line(shown.demo, checked)));
    format!("{:<4} {:<12} {:<45} {:>5}\n", "demo", "", "covers", "facts") + lines.collect::<String>().trim_end()
}

/// Why a demonstration was not shown, or what it found otherwise than stored.
fn complaints(shown: &Shown) -> Vec<String> {
    let Demo { number, name, .. } = shown.demo;
    let differences = shown.checked.iter().flat_map(|checked| {
        checked.differences.iter().map(move |difference| format!("demo {number}, {}: {difference}", checked.feature))
    });
    let not_shown = shown.found.as_ref().err().map(|why| format!("demo {number} ({name}) could not be shown: {why}"));
    not_shown.into_iter().chain(differences).collect()
}

fn summary(shown: &[Shown], args: &DemoArgs, seconds: f64) -> Value {
    let found =
        shown.iter().filter_map(|shown| Some((shown.demo.name.to_owned(), shown.found.as_ref().ok()?.to_json())));
    let checked = shown.iter().flat_map(|shown| {
        shown.checked.iter().map(|checked| {
            json!({
                "demo": shown.demo.number, "feature": checked.feature, "facts": checked.n_facts,
                "differences": checked.differences,
            })
        })
    });
    json!({
        "operation": "demo",
        "out": args.out,
        "demos": found.collect::<Map<String, Value>>(),
        "checked": if args.check { Value::Array(checked.collect()) } else { Value::Null },
        "failed": shown.iter().flat_map(complaints).collect::<Vec<String>>(),
        "seconds": seconds,
    })
}
