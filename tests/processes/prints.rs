//! What workers print: on the parent's stderr, whole lines, with the worker's number; never on its stdout.

use std::collections::BTreeSet;
use std::io::Write;

use crate::fixtures::job;
use crate::harness::{drills, for_worker_counts};
use crate::parents::{Parent, command};

drills![what_workers_print_reaches_the_parents_stderr_line_by_line_with_the_workers_number];

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

/// The number that a worker's lines begin with.
fn number_in(prefix: &str) -> usize {
    let digits: String = prefix.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number in {prefix:?}"))
}
