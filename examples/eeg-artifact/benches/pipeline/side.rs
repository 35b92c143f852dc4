//! A side as a process: it reads, says that it is ready, and works when it is told to.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::options::work_folder;
use crate::ours::ASKED;
use crate::spec::{Report, Spec};

/// Whose code works.
#[derive(Debug, Clone)]
pub(crate) enum Side {
    Ours,
    /// A peer's script, and the Python that has the peer.
    Peer {
        python: PathBuf,
        script: &'static str,
    },
}

/// A side that has read its recording and waits.
#[derive(Debug)]
pub(crate) struct Ready {
    child: Child,
    told: ChildStdin,
    says: BufReader<ChildStdout>,
    spec: PathBuf,
}

impl Side {
    /// Does the work once, alone.
    pub(crate) fn run(&self, spec: &Spec) -> Report {
        self.start(spec).finish()
    }

    /// Starts it, and returns when it has read the recording.
    pub(crate) fn start(&self, spec: &Spec) -> Ready {
        let spec_file = write_spec(spec);
        let mut child = self
            .command(&spec_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it can be started");
        let told = child.stdin.take().expect("it was asked for");
        let mut says = BufReader::new(child.stdout.take().expect("it was asked for"));
        let line = next_line(&mut says);
        assert_eq!(line, "ready", "{self:?} says that it has read the recording");
        Ready { child, told, says, spec: spec_file }
    }

    fn command(&self, spec: &PathBuf) -> Command {
        match self {
            Self::Ours => {
                let mut command = Command::new(env::current_exe().expect("this program has a file"));
                command.env(ASKED, spec);
                command
            }
            Self::Peer { python, script } => peer_command(python, script, spec),
        }
    }
}

/// One thread for linear algebra, and the kernel that it chooses for this processor by itself.
fn peer_command(python: &PathBuf, script: &str, spec: &PathBuf) -> Command {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(script);
    let mut command = Command::new(python);
    command.args(["-E", "-s", "-B"]).arg(script).arg(spec);
    for threads in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"] {
        command.env(threads, "1");
    }
    command.env("FACET_CONSOLE_MODE", "classic").env("FACET_LOG_LEVEL", "ERROR");
    command.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
    command
}

fn write_spec(spec: &Spec) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed); // a number for a name only
    let file = work_folder().join(format!("spec-{}-{number}.json", std::process::id()));
    fs::write(&file, serde_json::to_vec(spec).expect("it is plain data")).expect("target can be written to");
    file
}

impl Ready {
    /// Lets it begin.
    pub(crate) fn go(&mut self) {
        writeln!(self.told, "go").expect("it waits for this line");
    }

    /// Lets it begin, and waits for its report.
    pub(crate) fn finish(mut self) -> Report {
        self.go();
        self.report()
    }

    /// Waits for the report of one that has begun.
    pub(crate) fn report(mut self) -> Report {
        let line = next_line(&mut self.says);
        let report = serde_json::from_str(&line).unwrap_or_else(|why| panic!("no report but {line:?}: {why}"));
        assert!(self.child.wait().expect("it ends").success(), "it ends well");
        let _ = fs::remove_file(&self.spec); // a left-over costs nothing
        report
    }
}

/// The next line that is for the bench: libraries may print of their own.
fn next_line(says: &mut impl BufRead) -> String {
    loop {
        let mut line = String::new();
        assert!(says.read_line(&mut line).expect("it prints text") > 0, "it ended without a word; see above");
        let line = line.trim();
        if line == "ready" || line.starts_with("{\"") {
            return line.to_owned();
        }
    }
}
