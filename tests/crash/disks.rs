//! A study that cannot write what it wants to: a disk or a file that is full, a folder that may not be written to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use manyhands_test_support::child::{Child, Exit};
use manyhands_test_support::processes::assert_no_orphans;

use crate::assertions::{Undisturbed, notes, notes_so_far, numbers, recorded};
use crate::child::{start, start_by_way_of};
use crate::harness::{drills, wait_until};
use crate::roles::REFUSED;
use crate::study::{Setting, Study};

drills!(
    on_a_full_disk_values_come_back_and_the_next_run_goes_on,
    on_a_disk_that_is_full_for_a_time_all_is_recorded,
    with_a_limit_on_files_values_come_back_and_the_next_run_goes_on,
    in_a_read_only_folder_nothing_begins,
    a_folder_that_becomes_read_only_costs_the_report_and_no_value,
);

/// More than there is room for, and not so quick that it is over before the first commit.
fn large_study(folder: &Path, mode: &str) -> Study {
    fs::create_dir_all(folder).unwrap();
    let study = Study::new(folder, mode);
    let setting = Setting { samples: 100, pace: Duration::from_micros(500), ..study.setting.clone() };
    Study { n_subjects: 500, setting, ..study }
}

const MODES: [&str; 3] = ["serial", "threads", "processes"];

/// The words that start a program on a small disk of its own, nearly all of which is taken; `None` where that cannot be.
fn on_a_small_disk(disk: &Path) -> Option<[String; 5]> {
    fs::create_dir_all(disk).unwrap();
    let path = disk.to_str().unwrap();
    let mount = format!("mount -t tmpfs -o size=4m small '{path}'");
    let words = |then: &str| ["unshare".to_owned(), "-m".to_owned(), "sh".to_owned(), "-c".to_owned(), then.to_owned()];
    let may_mount = words(&mount);
    let may_mount = Command::new(&may_mount[0]).args(&may_mount[1..]).stderr(Stdio::null()).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no small disk can be mounted here; the limit on files stands in for it");
        return None;
    }
    eprintln!("full disk: a tmpfs of 4 MiB, all of it but 160 KiB taken");
    // Leaves room for what every run needs, and not for its rows.
    let fill = format!("dd if=/dev/zero of='{path}/ballast' bs=1k count=3936 status=none");
    Some(words(&format!(r#"{mount} && {fill} && exec "$0""#)))
}

fn on_a_full_disk_values_come_back_and_the_next_run_goes_on(folder: &Path) {
    let disk = folder.join("disk");
    let Some(words) = on_a_small_disk(&disk) else { return };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for mode in MODES {
        let study = Study { records: disk.clone(), ..large_study(&folder.join(mode), mode) };
        let undisturbed = Undisturbed::of(&study);
        let child = start_by_way_of(&words, "on a full disk", &study);
        say_that_values_came_back(child, &study, &undisturbed);
    }
}

fn on_a_disk_that_is_full_for_a_time_all_is_recorded(folder: &Path) {
    let disk = folder.join("disk");
    let Some(words) = on_a_small_disk(&disk) else { return };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for mode in ["threads", "processes"] {
        let mut study = Study { records: disk.clone(), ..large_study(&folder.join(mode), mode) };
        let undisturbed = Undisturbed::of(&study);
        study.setting.slow_from = 450;
        study.setting.gate = Some(study.folder.join("gate"));
        let (end, said) = start_by_way_of(&words, "on a disk that is full for a time", &study).end();
        assert_eq!(end, Exit::Code(0), "{mode}: {said}");
        let n_written = said.split_once(" of 450 are written").and_then(|(before, _)| before.rsplit('\n').next());
        let n_written: usize = n_written.unwrap().parse().unwrap();
        assert!(n_written < 450, "{mode}: the disk was not full: {said}");
        let warnings: Vec<&str> = said.lines().filter(|line| line.starts_with("warning: ")).collect();
        let [warning] = warnings[..] else { panic!("{mode}: {said}") };
        assert!(warning.starts_with("warning: journal is full: no room is left to write "), "{mode}: {warning}");
        assert!(warning.ends_with(" rows waited for it in memory, and all are written now"), "{mode}: {warning}");
        assert!(said.contains("500 resumed"), "{mode}: {said}");
        assert!(numbers(&notes(&study), 1, false).is_empty(), "{mode}: something was computed again");
        undisturbed.assert_is_table_of(&study);
        assert_no_orphans();
    }
}

fn with_a_limit_on_files_values_come_back_and_the_next_run_goes_on(folder: &Path) {
    eprintln!("full disk: RLIMIT_FSIZE of {} KiB", crate::roles::LIMIT >> 10);
    for mode in MODES {
        let study = large_study(&folder.join(mode), mode);
        let undisturbed = Undisturbed::of(&study);
        let child = start("with a limit on files", &study);
        say_that_values_came_back(child, &study, &undisturbed);
        let n_repeated = numbers(&notes(&study), 1, true).len();
        undisturbed.assert_is_what_came_of(&study, study.n_subjects as usize - n_repeated);
    }
}

/// Follows a copy that runs without room and then with it.
fn say_that_values_came_back(mut child: Child, study: &Study, undisturbed: &Undisturbed) {
    let n_subjects = study.n_subjects as usize;
    let n_failed = undisturbed.recorded.values().filter(|result| result.is_err()).count();
    let n_succeeded = n_subjects - n_failed;
    let mode = &study.mode;
    let said = child.wait_for("finished: ");
    assert_eq!(said, format!("finished: {n_succeeded} succeeded, {n_failed} failed, 0 resumed, 0 left\n"), "{mode}");
    let said = child.wait_for("warning: ");
    assert!(said.starts_with("warning: journal is full: no room is left to write "), "{mode}: {said}");
    child.wait_for("tables written");
    let said = child.wait_for("finished: ");
    let (end, rest) = child.end();
    assert_eq!(end, Exit::Code(0), "{mode}: {rest}");
    assert!(!rest.contains("warning: "), "{mode}: {rest}");
    undisturbed.assert_is_table_of(study);
    let computed = numbers(&notes(study), 1, true);
    let n_resumed = n_subjects - computed.len();
    assert!(n_resumed > 0 && n_resumed < n_subjects, "{mode}: {n_resumed} were resumed");
    assert!(said.contains(&format!("{n_resumed} resumed")), "{mode}: {said}");
    assert_no_orphans();
}

fn allow(folder: &Path, mode: u32) {
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

fn in_a_read_only_folder_nothing_begins(folder: &Path) {
    for mode in MODES {
        let mut study = large_study(&folder.join(mode), mode);
        study.n_subjects = 50;
        let undisturbed = Undisturbed::of(&study);
        study.records = study.folder.join("records");
        fs::create_dir(&study.records).unwrap();
        let refused = |study: &Study, words: &[&str]| {
            let (end, said) = start("without the right to write", study).end();
            assert_eq!(end, Exit::Code(REFUSED), "{mode}: {said}");
            assert!(words.iter().all(|word| said.contains(word)), "{mode}: {said}");
            assert!(!said.contains("finished"), "{mode}: {said}");
        };
        let report = study.report();
        let report = report.to_str().unwrap();

        // The report cannot be made; then it is there, and the journal cannot be; then both are there, and neither may change.
        allow(&study.records, 0o555);
        refused(&study, &["report", report, "cannot be written to"]);
        allow(&study.records, 0o755);
        fs::create_dir(study.report()).unwrap();
        allow(&study.records, 0o555);
        let of_journal = "study.journal or its folder may not be written to; allow it, or use another path";
        refused(&study, &[of_journal]);
        assert!(notes(&study).is_empty(), "{mode}: something was computed");
        allow(&study.records, 0o755);
        assert_eq!(start("study", &study).end().0, Exit::Code(0));
        let names = |folder: &Path| fs::read_dir(folder).unwrap().count();
        let before = (names(&study.records), names(&study.report()), fs::read(study.journal()).unwrap());
        allow(&study.report(), 0o555);
        refused(&study, &["report", report, "cannot be written to"]);
        allow(&study.report(), 0o755);
        allow(&study.records, 0o555);
        refused(&study, &[of_journal]);
        allow(&study.records, 0o755);
        assert!(before == (names(&study.records), names(&study.report()), fs::read(study.journal()).unwrap()));
        undisturbed.assert_is_what_came_of(&study, 0);
    }
}

fn a_folder_that_becomes_read_only_costs_the_report_and_no_value(folder: &Path) {
    for mode in MODES {
        let mut study = large_study(&folder.join(mode), mode);
        study.n_subjects = 60;
        let gate = study.folder.join("gate");
        study.setting.gate = Some(gate.clone());
        study.setting.slow_from = 30;
        let undisturbed = Undisturbed::of(&study);
        study.records = study.folder.join("records");
        fs::create_dir(&study.records).unwrap();
        let child = start("without the right to write", &study);
        wait_until("half of the subjects are done", || numbers(&notes_so_far(&study), 0, true).len() == 30);
        allow(&study.records, 0o555);
        allow(&study.report(), 0o555);
        fs::write(gate, "open").unwrap();
        let (end, said) = child.end();
        assert_eq!(end, Exit::Code(0), "{mode}: {said}");
        assert_eq!(said.matches("warning: ").count(), 1, "{mode}: {said}");
        assert!(said.contains("warning: report: the report could not be written: "), "{mode}: {said}");
        undisturbed.assert_is_table_of(&study);
        allow(&study.records, 0o755);
        allow(&study.report(), 0o755);
        assert_eq!(recorded(&study).len(), 60, "{mode}: the journal was open, and is whole");
        study.setting.run = 1;
        assert_eq!(start("study", &study).end().0, Exit::Code(0));
        undisturbed.assert_is_what_came_of(&study, 60);
    }
}
