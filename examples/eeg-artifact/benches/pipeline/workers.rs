//! Two workers against two copies that each have a whole recording.

use std::path::PathBuf;

use manyhands_test_support::figures::{machine, median, median_ratio, verdict};

use crate::made;
use crate::options::{Options, work_folder};
use crate::side::Side;
use crate::spec::{Report, Spec, Workers};

/// What two workers must get done in a time, as a share of what two independent copies get done together.
const LEAST_SHARE: f64 = 0.95;

/// Threads and processes, with realignment, which needs all channels between two passes.
pub(crate) fn compare(options: &Options) {
    let plain = made::timed(options);
    for realign in [false, true] {
        let spec = Spec { realign, ..plain.clone() };
        let with = |workers| Spec { workers, ..spec.clone() };
        let in_files = || Spec { folder: Some(row_folder()), ..with(Workers::Processes(2)) };
        let (mut serial, mut copies) = (Vec::new(), Vec::new());
        let (mut threads, mut processes, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            threads.push(Side::Ours.run(&with(Workers::Threads(2))));
            copies.push(two_copies(&spec));
            processes.push(Side::Ours.run(&with(Workers::Processes(2))));
            files.push(Side::Ours.run(&in_files()));
            serial.push(Side::Ours.run(&spec).seconds);
        }
        println!("Realignment: {realign}. {} rounds in turns. {}\n", options.rounds, machine());
        println!("| mode | median s | share of two copies | times as fast as one worker | parts of the last round |");
        println!("|------|----------|---------------------|-----------------------------|-------------------------|");
        println!("| one worker | {:.3} | | 1 | |", median(serial.clone()));
        println!("| two copies, each a whole recording | {:.3} | 1 | | |", median(copies.clone()));
        let rows =
            [("threads", &threads), ("processes", &processes), ("processes, rows in files before and after", &files)];
        for (mode, reports) in rows {
            let seconds: Vec<f64> = reports.iter().map(|report| report.seconds).collect();
            let share = median_ratio(&copies, &seconds) / 2.0;
            println!(
                "| {mode} | {:.3} | {share:.3} ({}) | {:.2} | {} |",
                median(seconds.clone()),
                verdict(share >= LEAST_SHARE),
                median_ratio(&serial, &seconds),
                reports.last().map(Report::parts).unwrap_or_default()
            );
        }
        println!();
    }
}

/// Where the reader puts the rows of a recording that is cleaned in processes.
fn row_folder() -> PathBuf {
    work_folder().join(format!("rows-{}", std::process::id()))
}

/// Seconds of the slower one of two that begin at once.
fn two_copies(spec: &Spec) -> f64 {
    let mut copies = [Side::Ours.start(spec), Side::Ours.start(spec)];
    copies.iter_mut().for_each(crate::side::Ready::go);
    let reports: [Report; 2] = copies.map(crate::side::Ready::report);
    reports[0].seconds.max(reports[1].seconds)
}
