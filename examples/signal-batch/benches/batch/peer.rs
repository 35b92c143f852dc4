//! The peer as a process that waits for its turn, and the table of both sides.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use manyhands_test_support::figures::{machine, median, median_ratio, verdict};
use manyhands_test_support::python::environment;
use serde::Deserialize;

use crate::options::{Options, work_folder};

const PACKAGES: [&str; 3] = ["numpy==2.4.6", "scipy==1.17.1", "pandas==3.1.1"];

/// How much faster ours must be.
const TIMES_PEER: f64 = 5.0;

/// A peer that has read its input and waits.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    told: ChildStdin,
    says: BufReader<ChildStdout>,
}

/// A round of the peer.
#[derive(Debug, Deserialize)]
struct Round {
    seconds: f64,
    values: Vec<f64>,
}

/// A section of the bench: its name in the peer's script, its input, ours, and how far the numbers of both may differ.
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    pub(crate) title: &'a str,
    pub(crate) input: &'a [f64],
    /// Computes once; its numbers are those that the peer gives, in the same order.
    pub(crate) ours: &'a mut dyn FnMut() -> Vec<f64>,
    pub(crate) tolerance: f64,
}

impl Section<'_> {
    /// Compares the numbers, times both sides in turns, and prints a row for each.
    pub(crate) fn run(self, options: &Options) {
        let Self { name, title, input, ours, tolerance } = self;
        let mut peer = Peer::start(name, input, options);
        if let Some(peer) = &mut peer {
            assert_same(&ours(), &peer.round().values, tolerance);
        }
        let (mut our_times, mut peer_times) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            let begun = Instant::now();
            std::hint::black_box(ours());
            our_times.push(begun.elapsed().as_secs_f64());
            peer_times.extend(peer.as_mut().map(|peer| peer.round().seconds));
        }
        println!("{title}, {} rounds in turns. {}\n", options.rounds, machine());
        println!("| side | median ms | times ours | bar |\n|------|-----------|------------|-----|");
        println!("| ours | {:.3} | 1 | |", 1e3 * median(our_times.clone()));
        if peer.is_some() {
            let ratio = median_ratio(&peer_times, &our_times);
            let bar = verdict(ratio >= TIMES_PEER);
            println!("| {} | {:.3} | {ratio:.2} | {TIMES_PEER}: {bar} |", PACKAGES.join(" "), 1e3 * median(peer_times));
        }
        println!();
    }
}

impl Peer {
    /// Starts the script for a section, where the packages can be had.
    fn start(section: &str, input: &[f64], options: &Options) -> Option<Self> {
        if !options.with_peers {
            println!("SKIPPED: the peer, because of --without-peers");
            return None;
        }
        let python = environment(&PACKAGES)?;
        let bytes: Vec<u8> = input.iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(work_folder().join(format!("{section}.f64")), bytes).expect("target can be written to");
        let mut child = command(&python, section).spawn().expect("it can be started");
        let told = child.stdin.take().expect("it was asked for");
        let says = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut peer = Self { child, told, says };
        assert_eq!(peer.line(), "ready", "it says that it has read its input");
        Some(peer)
    }

    fn round(&mut self) -> Round {
        writeln!(self.told, "go").expect("it waits for this line");
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("no round but {line:?}: {why}"))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.says.read_line(&mut line).expect("it prints text") > 0, "it ended without a word; see above");
        line.trim().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It would end with its input, but a round may be under way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One thread for linear algebra, and the kernel that it chooses for this processor by itself.
fn command(python: &Path, section: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/batch.py");
    let mut command = Command::new(python);
    command.args(["-E", "-s", "-B"]).arg(script).arg(section).arg(work_folder());
    for threads in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
        command.env(threads, "1");
    }
    command.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// Relative to the larger one of two numbers; a mean near zero may differ by as much absolutely.
fn assert_same(ours: &[f64], peers: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), peers.len(), "both give the same numbers");
    for (at, (ours, peers)) in ours.iter().zip(peers).enumerate() {
        let difference = (ours - peers).abs();
        assert!(
            difference <= tolerance * ours.abs().max(peers.abs()).max(1e-3),
            "number {at} is {ours} here and {peers} there"
        );
    }
}
