//! A study that is begun again after something has changed that its answers depend on.

use std::path::Path;

use manyhands::{
    AnyMode, Error, Job, Journal, OnFailure, Outcome, Report,
    journal::{JournalError, OnChange},
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::assertions::{Note, notes};
use crate::harness::drills;
use crate::study::{Features, Setting, Study, Subject, features};

drills!(
    what_changed_is_refused_by_name_or_computed_again,
    features_of_another_type_are_refused_by_name_or_computed_again,
);

/// What answers depend on.
#[derive(Clone)]
struct Given {
    version: &'static str,
    samples: u32,
    /// The subject whose input is another.
    changed: Option<u32>,
}

const N_SUBJECTS: u32 = 30;

fn run(
    study: &Study,
    run: u32,
    given: &Given,
    on_change: OnChange,
) -> Result<Outcome<Features, String>, Error<String>> {
    let mode: AnyMode = study.mode.parse().unwrap();
    let setting = Setting { run, samples: given.samples, ..study.setting.clone() };
    let changed = given.changed;
    let journal = Journal::at(study.journal())
        .key(Subject::key)
        .version(given.version)
        .configuration(&serde_json::json!({"samples": given.samples, "window": "hann"}))
        .fingerprint(move |subject: &Subject| if Some(subject.number) == changed { "new" } else { "old" }.to_owned())
        .retry_recorded(manyhands::journal::RetryRecorded::Nothing)
        .on_change(on_change);
    Job::new(&Subject::all(N_SUBJECTS))
        .mode(mode)
        .workers(study.workers)
        .shared(&setting)
        .on_failure(OnFailure::Continue)
        .try_map(features)
        .journal(journal)
        .report(Report::at(study.report()))
        .run()
}

fn what_changed_is_refused_by_name_or_computed_again(folder: &Path) {
    for mode in ["serial", "threads", "processes"] {
        let study = Study::new(&folder.join(mode), mode);
        std::fs::create_dir(&study.folder).unwrap();
        let computed = |run: u32| -> Vec<u32> { crate::assertions::numbers(&notes(&study), run, true) };
        let all: Vec<u32> = (0..N_SUBJECTS).collect();
        let results = |outcome: Outcome<Features, String>| -> Vec<_> {
            let result =
                |result: Result<Features, manyhands::ItemFailure<String>>| result.map_err(|failure| failure.kind());
            outcome.into_results().into_iter().map(result).collect()
        };
        let first = Given { version: "1", samples: 200, changed: None };
        let before = results(run(&study, 0, &first, OnChange::Refuse).unwrap());
        assert_eq!(computed(0), all, "{mode}");

        let changes = [
            (Given { version: "2", ..first.clone() }, "the version", r#""2""#, r#""1""#, all.clone()),
            (Given { samples: 300, ..first.clone() }, "the configuration's samples", "300", "200", all.clone()),
            (
                Given { changed: Some(7), ..first.clone() },
                r#"the fingerprint of "subject 00007""#,
                r#""new""#,
                r#""old""#,
                vec![7],
            ),
        ];
        for (place, (given, what, now, recorded, to_do)) in changes.iter().enumerate() {
            let number = 10 * u32::try_from(place + 1).unwrap();
            let error = run(&study, number, given, OnChange::Refuse).unwrap_err();
            let changed = JournalError::Changed {
                what: (*what).to_owned(),
                recorded: (*recorded).to_owned(),
                now: (*now).to_owned(),
            };
            assert_eq!(error.journal_error(), Some(&changed), "{mode}");
            let message = error.to_string();
            assert!(message.starts_with(&format!("{what} is {now} and was {recorded} when")), "{mode}: {message}");
            assert!(message.contains("OnChange::Recompute"), "{mode}: {message}");
            assert!(computed(number).is_empty(), "{mode}: it was refused, and computed {:?}", computed(number));

            let outcome = run(&study, number + 1, given, OnChange::Recompute).unwrap();
            assert_eq!(outcome.resumed().count(), all.len() - to_do.len(), "{mode}, {what}");
            assert_eq!(computed(number + 1), *to_do, "{mode}, {what}");
            let after = results(outcome);
            assert_eq!(after == before, given.samples == first.samples, "{mode}, {what}");

            // And back: what was recorded under the first setup counts again, but an input is what it was last.
            let outcome = run(&study, number + 2, &first, OnChange::Recompute).unwrap();
            let again = if given.changed.is_some() { vec![7] } else { Vec::new() };
            assert_eq!(computed(number + 2), again, "{mode}, {what}");
            assert_eq!(results(outcome), before, "{mode}, {what}");
        }
        let n_processes =
            notes(&study).iter().map(|note: &Note| note.process).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(n_processes.contains(&std::process::id()), mode != "processes", "{mode}");
    }
}

/// What a later version of the program says of a subject, whose author forgot to raise the journal's version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Labelled {
    features: Features,
    label: String,
}

fn labelled(setting: &Setting, subject: &Subject) -> Result<Labelled, String> {
    features(setting, subject).map(|features| Labelled { features, label: subject.key() })
}

fn run_with<R>(
    study: &Study,
    run: u32,
    function: fn(&Setting, &Subject) -> Result<R, String>,
    on_change: OnChange,
) -> Result<Vec<Option<R>>, Error<String>>
where
    R: Serialize + DeserializeOwned + Send,
{
    let outcome = Job::new(&Subject::all(N_SUBJECTS))
        .mode(study.mode.parse::<AnyMode>().unwrap())
        .workers(study.workers)
        .shared(&Setting { run, ..study.setting.clone() })
        .on_failure(OnFailure::Continue)
        .try_map(function)
        .journal(Journal::at(study.journal()).key(Subject::key).version("1").on_change(on_change))
        .run()?;
    assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
    Ok(outcome.into_options())
}

fn features_of_another_type_are_refused_by_name_or_computed_again(folder: &Path) {
    for mode in ["serial", "threads", "processes"] {
        let study = Study::new(&folder.join(mode), mode);
        std::fs::create_dir(&study.folder).unwrap();
        let n_computed = |run: u32| crate::assertions::numbers(&notes(&study), run, true).len();
        let before = run_with(&study, 0, features, OnChange::Refuse).unwrap();
        assert_eq!(n_computed(0), N_SUBJECTS as usize, "{mode}");

        let refusal = run_with(&study, 1, labelled, OnChange::Refuse).unwrap_err();
        let Some(JournalError::Changed { what, recorded, now }) = refusal.journal_error() else { panic!("{refusal}") };
        assert_eq!(what, "the type of the results", "{mode}");
        assert!(recorded.contains("Features") && now.contains("Labelled"), "{mode}: {refusal}");
        assert_eq!(n_computed(1), 0, "{mode}: it was refused");

        let after = run_with(&study, 2, labelled, OnChange::Recompute).unwrap();
        assert_eq!(n_computed(2), N_SUBJECTS as usize, "{mode}");
        let without_labels: Vec<_> = after.into_iter().map(|found| found.map(|found| found.features)).collect();
        assert!(without_labels == before, "{mode}");

        // And back: only what failed is tried again.
        let back = run_with(&study, 3, features, OnChange::Recompute).unwrap();
        assert_eq!(n_computed(3), before.iter().filter(|found| found.is_none()).count(), "{mode}");
        assert!(back == before, "{mode}");
    }
}
