//! Two workers against two copies that each have a whole recording.

use crate::made;
use crate::numbers::{machine, median, median_ratio, verdict};
use crate::options::Options;
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
        let (mut threads, mut processes, mut copies, mut serial) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            threads.push(Side::Ours.run(&with(Workers::Threads(2))).seconds);
            copies.push(two_copies(&spec));
            processes.push(Side::Ours.run(&with(Workers::Processes(2))).seconds);
            serial.push(Side::Ours.run(&spec).seconds);
        }
        println!("Realignment: {realign}. {} rounds in turns. {}\n", options.rounds, machine());
        println!("| mode | median s | share of two copies | times one worker |");
        println!("|------|----------|---------------------|------------------|");
        println!("| one worker | {:.3} | | 1 |", median(serial.clone()));
        println!("| two copies, each a whole recording | {:.3} | 1 | |", median(copies.clone()));
        for (mode, seconds) in [("threads", &threads), ("processes", &processes)] {
            let share = median_ratio(&copies, seconds) / 2.0;
            println!(
                "| {mode} | {:.3} | {share:.3} ({}) | {:.2} |",
                median(seconds.clone()),
                verdict(share >= LEAST_SHARE),
                median_ratio(&serial, seconds)
            );
        }
        println!();
    }
}

/// Seconds of the slower one of two that begin at once.
fn two_copies(spec: &Spec) -> f64 {
    let mut copies = [Side::Ours.start(spec), Side::Ours.start(spec)];
    copies.iter_mut().for_each(crate::side::Ready::go);
    let reports: [Report; 2] = copies.map(crate::side::Ready::report);
    reports[0].seconds.max(reports[1].seconds)
}
