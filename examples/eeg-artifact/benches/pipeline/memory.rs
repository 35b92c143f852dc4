//! The most memory that a process takes which reads a recording, cleans it in two threads, and ends.

use manyhands_test_support::figures::verdict;

use crate::made;
use crate::options::{Options, work_folder};
use crate::side::Side;
use crate::spec::{Spec, Workers};

/// The most memory, in multiples of the recording as numbers of 64 bits.
const MOST: f64 = 1.6;

/// Rows in memory, and rows in files.
pub(crate) fn measure(options: &Options) {
    let spec = Spec { realign: true, workers: Workers::Threads(2), ..made::timed(options) };
    let folder = work_folder().join(format!("rows-{}", std::process::id()));
    let in_files = Spec { folder: Some(folder), ..spec.clone() };
    println!(
        "Two threads, with realignment. The recording takes {} MiB as numbers of 64 bits.\n",
        mib(spec.float64_bytes())
    );
    println!("| rows | peak MiB | times the recording | bar | seconds |");
    println!("|------|----------|---------------------|-----|---------|");
    for (rows, spec, bar) in [("in memory", &spec, MOST), ("in files", &in_files, 0.5)] {
        let report = Side::Ours.run(spec);
        let times = report.peak_bytes as f64 / spec.float64_bytes() as f64;
        let verdict = verdict(times <= bar);
        println!("| {rows} | {} | {times:.3} | {bar}: {verdict} | {:.2} |", mib(report.peak_bytes), report.seconds);
    }
    println!("\nA channel takes {} MiB.", mib(spec.row_bytes()));
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}
