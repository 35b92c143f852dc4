//! What workers print: on the parent's stderr, whole lines, with the worker's number; never on its stdout. A line without an end
//! is passed on too, at the latest with the end of the call or of the worker.

use std::collections::BTreeSet;
use std::io::Write;

use crate::fixtures::{job, kill_itself};
use crate::harness::{drills, for_worker_counts};
use crate::parents::{Parent, command};
use manyhands::Processes;

drills![
    what_workers_print_reaches_the_parents_stderr_line_by_line_with_the_workers_number,
    what_has_no_end_of_line_is_not_lost_with_the_call,
    what_finished_items_have_printed_is_not_lost_with_their_worker,
];

const ITEMS: usize = 40;

/// A line long enough that two of them would mix in a pipe, were they not kept apart.
fn long_line(item: usize) -> String {
    format!("item {item} {}", char::from(b'a' + u8::try_from(item % 26).unwrap()).to_string().repeat(20_000))
}

/// A parent that prints on stdout, and whose items print on both.
pub(crate) fn let_items_print(arguments: &[String]) {
    let workers = arguments[0].parse().unwrap();
    println!("before");
    let items: Vec<usize> = (0..ITEMS).collect();
    let outcome = job(&items, workers).run(|&item: &usize| {
        println!("item {item} on stdout of {}", std::process::id());
        eprintln!("item {item} on stderr of {}", std::process::id());
        println!("{}", long_line(item));
        eprint!("item {item} in ");
        std::io::stderr().flush().unwrap();
        eprintln!("two parts");
        print!("item {item} without an end");
        std::io::stdout().flush().unwrap();
        println!();
    });
    outcome.unwrap().into_result().unwrap();
    println!("after");
}

fn what_workers_print_reaches_the_parents_stderr_line_by_line_with_the_workers_number() {
    for_worker_counts(|workers| {
        let (exit, stdout, stderr) = Parent::start(command("prints", &[&workers.to_string()])).end();
        assert!(exit.is_success(), "{exit} {stderr}");
        assert_eq!(stdout, "before\nafter\n");
        let lines: Vec<&str> = stderr.lines().collect();
        let mut prefixes = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for item in 0..ITEMS {
            let mut prefix_of = |text: &str| {
                let found: Vec<&str> =
                    lines.iter().filter_map(|line| line.split_once(text)).map(|parts| parts.0).collect();
                assert_eq!(found.len(), 1, "{workers} workers: {text:?} is there {} times", found.len());
                prefixes.insert(found[0].to_owned());
                found[0].to_owned()
            };
            let prefix = prefix_of(&format!("item {item} on stdout of "));
            assert_eq!(prefix, prefix_of(&format!("item {item} on stderr of ")), "one item, one worker");
            assert_eq!(prefix, prefix_of(&format!("item {item} in two parts")));
            assert_eq!(prefix, prefix_of(&format!("item {item} without an end")));
            assert_eq!(prefix, prefix_of(&long_line(item)));
            numbers.insert(number_in(&prefix));
        }
        assert_eq!(prefixes.len(), numbers.len(), "{prefixes:?}");
        assert!(numbers.len() <= workers, "{prefixes:?}");
        assert_eq!(lines.len(), 5 * ITEMS, "no line beyond those that items printed");
    });
}

/// Prints what has no end of line, from Rust and from C.
fn print_unfinished(item: usize) {
    print!("<rust {item}>");
    let text = std::ffi::CString::new(format!("<c {item}>")).unwrap();
    // SAFETY: both are C strings, and the second one is what the first asks for.
    unsafe { libc::printf(c"%s".as_ptr(), text.as_ptr()) };
}

/// A state that prints when it is dropped.
struct Farewell;

impl Drop for Farewell {
    fn drop(&mut self) {
        print!("<farewell>");
    }
}

/// A parent whose items print no end of line. Its workers are kept, or replaced while the call goes on.
pub(crate) fn let_items_print_unfinished(arguments: &[String]) {
    let workers = arguments[0].parse().unwrap();
    let items: Vec<usize> = (0..ITEMS).collect();
    for mode in [Processes::new(), Processes::new().recycle_after(3)] {
        let job = job(&items, workers).mode(mode).worker_state(|| Farewell);
        job.run(|_, &item: &usize| print_unfinished(item)).unwrap().into_result().unwrap();
        eprintln!("the call has ended");
    }
    // The parent is killed, so that nothing it does at its end can show more.
    kill_itself();
}

fn what_has_no_end_of_line_is_not_lost_with_the_call() {
    for workers in [1, 3] {
        let (_, _, stderr) = Parent::start(command("prints-unfinished", &[&workers.to_string()])).end();
        let calls: Vec<&str> = stderr.split_inclusive("the call has ended\n").collect();
        assert_eq!(calls.len(), 2, "nothing comes later than its call: {stderr}");
        for call in calls {
            for item in 0..ITEMS {
                for text in [format!("<rust {item}>"), format!("<c {item}>")] {
                    assert_eq!(call.matches(&text).count(), 1, "{workers} workers, {text}: {call}");
                }
            }
            assert!(call.contains("<farewell>"), "{workers} workers: {call}");
        }
    }
}

/// A parent with one frame of items, the last of which kills the worker.
pub(crate) fn let_items_print_and_die(_: &[String]) {
    let items: Vec<usize> = (0..ITEMS).collect();
    let job = job(&items, 1).mode(Processes::new()).chunk_size(ITEMS);
    let outcome = job.run(|&item: &usize| if item + 1 == ITEMS { kill_itself() } else { print_unfinished(item) });
    assert_eq!(outcome.unwrap().tally().failed, 1);
}

fn what_finished_items_have_printed_is_not_lost_with_their_worker() {
    let (exit, _, stderr) = Parent::start(command("prints-and-dies", &[])).end();
    assert!(exit.is_success(), "{exit} {stderr}");
    for item in 0..ITEMS - 1 {
        // More than once where the item ran again, since its result was lost with the worker.
        for text in [format!("<rust {item}>"), format!("<c {item}>")] {
            assert!(stderr.contains(&text), "{text} is lost: {stderr}");
        }
    }
}

/// The number that a worker's lines begin with.
fn number_in(prefix: &str) -> usize {
    let digits: String = prefix.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number in {prefix:?}"))
}
