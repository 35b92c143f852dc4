//! A Python with packages of exact versions, for tests that compare with what others wrote: made once below `target`, and shared by all
//! test programs.
//!
//! Promises: of each set of packages there is one environment, made by one process while others wait; where Python or the network is missing,
//! a line that begins with `SKIPPED:` says so and why. Leaves to others: what is run in it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// After a failure, other tests and programs do not try again for this long: without a network, each try takes its time.
const RETRY_AFTER: Duration = Duration::from_secs(600);

/// The Python of an environment with these packages, such as `["mne==1.13.2"]`, which is made where it is not there yet. `None`, and a loud
/// line, where that is not possible.
///
/// Cost: a minute or more the first time, two starts of Python from then on.
///
/// # Panics
///
/// When the folder `target` cannot be written to.
pub fn environment(packages: &[&str]) -> Option<PathBuf> {
    let place = Place::of(packages);
    fs::create_dir_all(&place.parent).unwrap();
    // Held until the environment is complete. The system lets go of it when a process dies.
    let lock = File::create(place.beside("lock")).unwrap();
    lock.lock().unwrap();
    match place.is_usable() {
        true => Some(place.python()),
        false => match place.make(packages) {
            Ok(()) => Some(place.python()),
            Err(reason) => {
                let said = format!("SKIPPED: no Python with {}, so nothing was compared: {reason}", packages.join(" "));
                // Not `eprintln`, which a test that passes keeps to itself.
                writeln!(io::stderr(), "{said}").expect("the terminal takes a line");
                None
            }
        },
    }
}

/// Runs a script with these arguments, and gives what it prints.
///
/// # Panics
///
/// When it cannot be started or ends with an error; the message has its output.
#[track_caller]
pub fn run(python: &Path, script: &str, arguments: &[&Path]) -> String {
    let output = isolated(python).arg("-c").arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Without packages of the user and the variables of the caller. Writes no compiled files beside the modules that it reads.
fn isolated(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-I", "-B"]);
    command
}

/// Where an environment is, and what stands beside it.
struct Place {
    parent: PathBuf,
    name: String,
}

impl Place {
    fn of(packages: &[&str]) -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
        let mut names: Vec<_> = packages.iter().map(|package| package.replace("==", "-")).collect();
        names.sort_unstable();
        Self { parent: target.join("python"), name: names.join("_") }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.parent.join(format!("{}.{ending}", self.name))
    }

    fn folder(&self) -> PathBuf {
        self.parent.join(&self.name)
    }

    fn python(&self) -> PathBuf {
        self.folder().join("bin/python")
    }

    /// Whether it is complete, and its Python has not left the machine since.
    fn is_usable(&self) -> bool {
        let starts = || isolated(&self.python()).args(["-c", ""]).status().is_ok_and(|status| status.success());
        self.beside("complete").exists() && starts()
    }

    fn make(&self, packages: &[&str]) -> Result<(), String> {
        if let Some(reason) = self.recent_failure() {
            return Err(reason);
        }
        let made = self.install(packages);
        match &made {
            Ok(()) => fs::write(self.beside("complete"), "").unwrap(),
            Err(reason) => fs::write(self.beside("failed"), reason).unwrap(),
        }
        made
    }

    fn recent_failure(&self) -> Option<String> {
        let failed = self.beside("failed");
        let age = fs::metadata(&failed).ok()?.modified().ok()?.elapsed().ok()?;
        (age < RETRY_AFTER).then(|| fs::read_to_string(&failed).unwrap_or_default())
    }

    fn install(&self, packages: &[&str]) -> Result<(), String> {
        for left_over in [self.beside("complete"), self.beside("failed")] {
            let _ = fs::remove_file(left_over);
        }
        let _ = fs::remove_dir_all(self.folder());
        step(isolated(Path::new("python3")).args(["-m", "venv"]).arg(self.folder()))?;
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "20", "--retries", "1"];
        step(isolated(&self.python()).args(pip).args(packages))
    }
}

/// What went wrong in one line, the last one that the command printed.
fn step(command: &mut Command) -> Result<(), String> {
    let shown =
        format!("{} {:?}", command.get_program().to_string_lossy(), command.get_args().nth(2).unwrap_or_default());
    let output = command.output().map_err(|error| format!("{shown} did not start: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{shown} failed: {}", text(&output).lines().last().unwrap_or("it said nothing"))),
    }
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}
