//! Errors on their way out: `?` widens them, and their causes are shown wherever a failure is written down.

use std::error::Error as _;
use std::fmt;
use std::num::ParseIntError;

use anyhow::{Context, anyhow};
use manyhands::journal::{Journal, JournalReader};
use manyhands::{
    ConfigError, Error, Job, LocalMode, Never, OnFailure, Progress, Report, Threads, parallel_map, try_parallel_map,
};

/// What goes wrong in a function that uses several parts of the crate.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    Mode,
    Setting,
    Panic,
    Item,
}

const ALL_WRONG: [Wrong; 4] = [Wrong::Mode, Wrong::Setting, Wrong::Panic, Wrong::Item];

/// One function for each error type that `?` is to widen into.
macro_rules! widening {
    ($name:ident, $error:ty) => {
        fn $name(wrong: Wrong) -> Result<Vec<u32>, $error> {
            let mode: LocalMode = if wrong == Wrong::Mode { "gpu" } else { "threads" }.parse()?;
            let workers = if wrong == Wrong::Setting { 0 } else { 2 };
            let added = Job::new(&[1, 2]).workers(workers).run(|n| n + 1)?.into_result()?;
            let divisor = if wrong == Wrong::Panic { 0 } else { 1 };
            let divided = parallel_map(mode, &[3], |n| n / divisor)?;
            let last = if wrong == Wrong::Item { "four" } else { "4" };
            let parsed = try_parallel_map(mode, &[last], |text| text.parse::<u32>())?;
            Ok([added, divided, parsed].concat())
        }
    };
}

#[derive(Debug, thiserror::Error)]
enum Step {
    #[error("a setting: {0}")]
    Setting(#[from] ConfigError),
    #[error("a call that cannot fail: {0}")]
    Call(#[from] Error<Never>),
    #[error("a call: {0}")]
    Parse(#[from] Error<ParseIntError>),
}

widening!(into_an_error_of_its_own, Error<ParseIntError>);
widening!(into_anyhow, anyhow::Error);
widening!(into_a_box, Box<dyn std::error::Error>);
widening!(into_a_box_that_is_sent, Box<dyn std::error::Error + Send + Sync>);
widening!(into_an_enum, Step);

/// What a function with this mistake says.
fn message(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Nothing => unreachable!("it is right"),
        Wrong::Mode => "mode \"gpu\" is not known; use one of serial, threads, io",
        Wrong::Setting => "0 workers asked for; use 1 or more, or Workers::PerCore",
        Wrong::Panic => "item 0 panicked: attempt to divide by zero",
        Wrong::Item => "item 0 failed: invalid digit found in string",
    }
}

#[test]
fn a_question_mark_widens_each_error_and_keeps_its_message() {
    type Function = fn(Wrong) -> Result<Vec<u32>, String>;
    let functions: [Function; 5] = [
        |wrong| into_an_error_of_its_own(wrong).map_err(|error| error.to_string()),
        |wrong| into_anyhow(wrong).map_err(|error| error.to_string()),
        |wrong| into_a_box(wrong).map_err(|error| error.to_string()),
        |wrong| into_a_box_that_is_sent(wrong).map_err(|error| error.to_string()),
        |wrong| into_an_enum(wrong).map_err(|error| error.source().unwrap().to_string()),
    ];
    for function in functions {
        assert_eq!(function(Wrong::Nothing).unwrap(), [2, 3, 3, 4]);
        for wrong in ALL_WRONG {
            assert_eq!(function(wrong).unwrap_err(), message(wrong));
        }
    }
}

#[test]
fn a_widened_error_keeps_its_kind_and_its_failure() {
    let errors = ALL_WRONG.map(|wrong| into_an_error_of_its_own(wrong).unwrap_err());
    assert_eq!(errors.each_ref().map(Error::is_config), [true, true, false, false]);
    assert_eq!(errors.each_ref().map(Error::is_panic), [false, false, true, false]);
    let [.., error] = errors;
    assert_eq!(error.failure().unwrap().error(), "four".parse::<u32>().as_ref().err());
    assert!(matches!(into_an_enum(Wrong::Mode), Err(Step::Setting(_))));
    assert!(matches!(into_an_enum(Wrong::Panic), Err(Step::Call(error)) if error.is_panic()));
    assert!(matches!(into_an_enum(Wrong::Item), Err(Step::Parse(error)) if error.is_item()));
    let error = into_anyhow(Wrong::Item).unwrap_err();
    assert_eq!(error.downcast_ref::<Error<ParseIntError>>().unwrap().failure().unwrap().index, 0);
}

/// An error of std that has a source, and whose `{}` shows itself alone.
#[derive(Debug)]
pub(crate) struct Link(&'static str, Option<Box<Link>>);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Link {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|link| link as _)
    }
}

/// Fails for item 1 with a chain of three errors.
pub(crate) fn fails_with_a_chain(n: &usize) -> anyhow::Result<usize> {
    match n {
        1 => Err(anyhow!("disk on fire")).context("reading header").context("decode"),
        _ => Ok(*n),
    }
}

/// The same as errors of std.
pub(crate) fn fails_with_links(n: &usize) -> Result<usize, Link> {
    let fire = Link("disk on fire", None);
    let header = Link("reading header", Some(Box::new(fire)));
    if *n == 1 { Err(Link("decode", Some(Box::new(header)))) } else { Ok(*n) }
}

#[test]
fn the_alternate_form_of_a_failure_shows_the_whole_chain() {
    let (short, chain) = ("item 1 failed: decode", "item 1 failed: decode: reading header: disk on fire");
    let items = [0, 1, 2];
    let outcome = Job::new(&items).on_failure(OnFailure::Continue).try_run(fails_with_a_chain).unwrap();
    assert_eq!(
        (outcome.failures()[0].to_string(), format!("{:#}", outcome.failures()[0])),
        (short.into(), chain.into())
    );
    let error = try_parallel_map(Threads, &items, fails_with_a_chain).unwrap_err();
    assert_eq!((error.to_string(), format!("{error:#}")), (short.to_owned(), chain.to_owned()));
    assert_eq!(error.source().unwrap().to_string(), "reading header: disk on fire");
    let converted = || -> anyhow::Result<Vec<usize>> { Ok(try_parallel_map(Threads, &items, fails_with_a_chain)?) };
    assert_eq!(format!("{:#}", converted().unwrap_err()), chain, "`?` into anyhow keeps the causes");
    let plain = try_parallel_map(Threads, &items, |&n| if n == 1 { Err(7) } else { Ok(n) }).unwrap_err();
    assert!(plain.source().is_none(), "nothing is added to the text of a number");

    let work = || Job::new(&items).on_failure(OnFailure::Continue).try_map(fails_with_links);
    let unknown = work().run().unwrap();
    assert_eq!(format!("{:#}", unknown.failures()[0]), short, "nothing said that the type is an error of std");
    let outcome = work().error_sources().run().unwrap();
    let failure = &outcome.failures()[0];
    assert_eq!((failure.to_string(), format!("{failure:#}")), (short.to_owned(), chain.to_owned()));
    let header = failure.source().unwrap();
    let fire = header.source().unwrap();
    assert_eq!((header.to_string(), fire.to_string()), ("reading header".to_owned(), "disk on fire".to_owned()));
    assert!(fire.source().is_none());
    let error = outcome.into_result().unwrap_err();
    assert_eq!(format!("{error:#}"), chain);
    assert_eq!(
        format!("{:#}", anyhow::Error::new(error).context("the night")),
        format!("the night: {short}: reading header: disk on fire")
    );
}

/// An error whose text cannot be written.
#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("half a text")?;
        panic!("no words")
    }
}

#[test]
fn an_error_whose_text_panics_is_the_failure_of_its_item_alone() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [LocalMode::Serial, LocalMode::Threads, LocalMode::IoThreads] {
        let journal = folder.path().join(format!("{mode}.journal"));
        let report = folder.path().join(format!("{mode} report"));
        let work = Job::new(&[1, 2, 3]).mode(mode).workers(2).on_failure(OnFailure::Continue);
        let work = work.progress(Progress::off()).try_map(|&n: &u64| if n == 2 { Err(Unspeakable) } else { Ok(n) });
        let work = work.journal(Journal::at(&journal).key(u64::to_string)).report(Report::at(&report));
        let outcome = work.run().unwrap();
        assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
        let text = outcome.failures()[0].to_string();
        assert!(text.starts_with("item 1 (\"2\") failed: half a text(") && text.ends_with("no words)"), "{text}");
        assert!(format!("{:#}", outcome.failures()[0]).contains("no words"));
        assert_eq!(outcome.into_options(), [Some(1), None, Some(3)]);
        let status = JournalReader::open(&journal).unwrap().status().unwrap();
        assert_eq!((status.succeeded, status.failed), (2, 1));
        let errors = std::fs::read_dir(&report).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        assert!(errors.into_iter().any(|text| String::from_utf8_lossy(&text).contains("no words")));
    }
}
