//! Runs that are stopped and resumed: nothing that was finished is computed again, whatever the disk and other programs do.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use manyhands::journal::JournalError;
use manyhands::{AnyMode, CancelToken, Job, Journal, OnFailure, Outcome};
use rusqlite::Connection;

use crate::call::Call;
use crate::disk::Full;
use crate::fault::Fault;
use crate::items::{Act, Item, perform};
use crate::judge::{self, Injected, Verdict};

/// For so long the disk is full; and so long it has room again before the run ends.
const FULL_FOR: Duration = Duration::from_millis(250);
const ROOM_FOR: Duration = Duration::from_millis(1000);

pub(crate) fn journal(call: &mut Call) -> Verdict {
    let path = call.folder.join("soak.journal");
    let items = call.items();
    let mode = call.any_mode();
    let verdict = match call.fault {
        Some(Fault::Disk) => on_a_disk_that_is_full_for_a_while(call, &path),
        Some(Fault::Lock) => beside_another_program(call, &path, mode, &items),
        _ => stopped_and_resumed(call, &path, mode, &items),
    };
    remove(&path).and_then(|()| nothing_beside(&call.folder, verdict))
}

fn run(
    path: &Path,
    mode: AnyMode,
    items: &[Item],
    cancel: Option<&CancelToken>,
) -> Result<Outcome<u64, String>, String> {
    try_run(path, mode, items, cancel).map_err(|error| error.to_string())
}

fn try_run(
    path: &Path,
    mode: AnyMode,
    items: &[Item],
    cancel: Option<&CancelToken>,
) -> Result<Outcome<u64, String>, manyhands::Error<String>> {
    let journal = Journal::at(path).key(Item::key).version("1");
    let job = Job::new(items).mode(mode).workers(2).chunk_size(2).on_failure(OnFailure::Continue);
    job.cancel_token(cancel).try_map(perform).journal(journal).run()
}

/// The first run ends when one of its items says so, or by what disturbs it; the second resumes it.
fn stopped_and_resumed(call: &mut Call, path: &Path, mode: AnyMode, items: &[Item]) -> Verdict {
    let disturbance = call.disturb();
    let n_at_first = call.rng.index(items.len() + 1);
    let first = run(path, mode, &items[..n_at_first], disturbance.token());
    let injected = disturbance.end();
    let first = first?;
    let n_finished = first.tally().succeeded;
    judge::outcome(&items[..n_at_first], injected, first)?;
    let second = run(path, mode, items, None)?;
    let n_resumed = second.resumed().count();
    judge::outcome(items, Injected::default(), second)?;
    if n_resumed == n_finished { Ok(()) } else { Err(format!("{n_finished} finished, {n_resumed} resumed")) }
}

/// Items wait for what happens to the disk: some finish before, some while it is full, and some when it has room again.
fn on_a_disk_that_is_full_for_a_while(call: &mut Call, path: &Path) -> Verdict {
    let items = call.some_items(30);
    let pace = Duration::from_millis(100);
    let sleeping: Vec<Item> =
        items.iter().map(|item| Item { act: Act::Sleep(pace.as_micros() as u64), ..*item }).collect();
    let (began, has_begun) = channel();
    let folder = call.folder.clone();
    let filler = thread::spawn(move || fill_for_a_while(&folder, &has_begun));
    let outcome = run_that_says_when_it_begins(path, &sleeping, began);
    filler.join().unwrap();
    judge::outcome_with_warnings(&items, Injected::default(), outcome?)?;
    let second = run(path, AnyMode::Serial, &items, None)?;
    let n_resumed = second.resumed().count();
    judge::outcome(&items, Injected::default(), second)?;
    match n_resumed {
        30 => Ok(()),
        n => Err(format!("the disk was full for {FULL_FOR:?} and had room for {ROOM_FOR:?}: {n} of 30 rows are there")),
    }
}

/// The disk is full from shortly after the first item; it has room again long before the last one.
fn fill_for_a_while(folder: &Path, has_begun: &Receiver<()>) {
    has_begun.recv().unwrap();
    thread::sleep(Duration::from_millis(50));
    let full = Full::fill(folder);
    thread::sleep(FULL_FOR);
    drop(full);
}

fn run_that_says_when_it_begins(
    path: &Path,
    items: &[Item],
    began: Sender<()>,
) -> Result<Outcome<u64, String>, String> {
    let journal = Journal::at(path).key(Item::key).version("1");
    let perform_and_say = |item: &Item| {
        let value = perform(item);
        // Fails when the other side has heard it, which is enough.
        let _ = began.send(());
        value
    };
    let job = Job::new(items).workers(2).chunk_size(1).on_failure(OnFailure::Continue);
    job.try_map(perform_and_say).journal(journal).run().map_err(|error| error.to_string())
}

/// Another run writes the journal; or one that is gone has left its lock file; or a tool has a transaction open.
fn beside_another_program(call: &mut Call, path: &Path, mode: AnyMode, items: &[Item]) -> Verdict {
    let lock = PathBuf::from(format!("{}.lock", path.display()));
    match call.rng.below(3) {
        0 => {
            let held = File::create(&lock).unwrap();
            held.lock().unwrap();
            let refused = try_run(path, mode, items, None);
            drop(held);
            match refused {
                Err(error) if matches!(error.journal_error(), Some(JournalError::Locked { .. })) => {}
                Err(error) => return Err(format!("held by another program, but: {error}")),
                Ok(_) => return Err("two programs write one journal".to_owned()),
            }
        }
        1 => fs::write(&lock, "process 1 since ever").unwrap(),
        _ => return beside_an_open_transaction(call, path, mode, items),
    }
    stopped_and_resumed(call, path, mode, items)
}

/// The tool's transaction begins when the journal is there, and ends while the second run wants to write.
fn beside_an_open_transaction(call: &mut Call, path: &Path, mode: AnyMode, items: &[Item]) -> Verdict {
    let half = items.len() / 2;
    judge::outcome(&items[..half], Injected::default(), run(path, mode, &items[..half], None)?)?;
    let tool = Connection::open(path).unwrap();
    tool.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held_for = call.rng.part_of(Duration::from_millis(200));
    let holder = thread::spawn(move || {
        thread::sleep(held_for);
        tool.execute_batch("ROLLBACK").unwrap();
    });
    let second = run(path, mode, items, None);
    holder.join().unwrap();
    judge::outcome_with_warnings(items, Injected::default(), second?)?;
    let third = run(path, mode, items, None)?;
    let (n_resumed, n_values) = (third.resumed().count(), third.tally().succeeded);
    judge::outcome(items, Injected::default(), third)?;
    if n_resumed == n_values { Ok(()) } else { Err(format!("{n_values} values, {n_resumed} of them resumed")) }
}

fn remove(path: &Path) -> Verdict {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", path.display())),
        _ => Ok(()),
    }
}

/// A run that has ended leaves its journal, and nothing beside it.
fn nothing_beside(folder: &Path, verdict: Verdict) -> Verdict {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let left: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    left.iter().for_each(|path| fs::remove_file(path).unwrap());
    if left.is_empty() { verdict } else { verdict.and(Err(format!("left beside the journal: {left:?}"))) }
}
