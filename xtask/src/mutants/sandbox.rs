//! The sandbox in which mutants are built: a copy of all tracked files, with its own target folders, so that cargo never
//! mixes up a mutant with the real code.
//!
//! Opening it writes only files that differ, so cargo rebuilds only what changed.

use crate::files::listed;
use crate::models::{MODELLED, compiler_flags};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The copy and its target folders.
#[derive(Debug)]
pub(super) struct Sandbox {
    root: PathBuf,
    folder: PathBuf,
}

/// How a test program ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Passed,
    Failed { reason: String },
    NotInTime,
}

/// Dependencies are not optimized, because the tests run only briefly.
const QUICK_TO_BUILD: [&str; 2] = ["profile.dev.debug=0", "profile.dev.package.\"*\".opt-level=0"];
/// Models are optimized a little: more would cost more build time than it saves.
const QUICK_TO_BUILD_AND_RUN: [&str; 3] =
    ["profile.release.opt-level=1", "profile.release.debug=0", "profile.release.incremental=true"];

impl Sandbox {
    /// Updates the copy to the current files of the project.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let sandbox = Self { root: root.to_path_buf(), folder: root.join("target/mutants") };
        let files = listed(root)?;
        for path in &files {
            match fs::read(root.join(path)) {
                Ok(bytes) => write_if_other(&sandbox.tree().join(path), &bytes)?,
                // Deleted from the folder and still in git's index.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
        }
        let is_known = |path: &Path| path.to_str().is_some_and(|path| files.iter().any(|file| file == path));
        remove_others(&sandbox.tree(), Path::new(""), &is_known)?;
        Ok(sandbox)
    }

    fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// The text of a file in the project.
    pub(super) fn original(&self, file: &str) -> Result<String, String> {
        fs::read_to_string(self.root.join(file)).map_err(|error| format!("{file} cannot be read: {error}"))
    }

    /// Writes a file of the copy.
    pub(super) fn write(&self, file: &str, text: &str) -> Result<(), String> {
        fs::write(self.tree().join(file), text).map_err(|error| format!("{file} cannot be written: {error}"))
    }

    /// Runs two functions at the same time.
    pub(super) fn both<A: Send, B>(&self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
        std::thread::scope(|scope| {
            let one = scope.spawn(one);
            let other = other();
            (one.join().expect("neither panics"), other)
        })
    }

    /// Builds the test programs that start no threads: the unit tests, and `tests/state_machine` if it exists.
    pub(super) fn build_sequential_tests(&self) -> Result<Vec<PathBuf>, String> {
        let has_more =
            ["tests/state_machine", "tests/state_machine.rs"].iter().any(|path| self.tree().join(path).exists());
        let targets: &[&str] = if has_more { &["--lib", "--test", "state_machine"] } else { &["--lib"] };
        self.build("native", targets, &QUICK_TO_BUILD, &std::env::var("RUSTFLAGS").unwrap_or_default())
    }

    /// Builds the test program with the models.
    pub(super) fn build_models(&self) -> Result<PathBuf, String> {
        let targets = [&["--release", "--test", "loom"][..], &MODELLED].concat();
        let programs = self.build("loom", &targets, &QUICK_TO_BUILD_AND_RUN, &compiler_flags())?;
        programs.into_iter().next().ok_or_else(|| "cargo built no models".to_owned())
    }

    /// Builds test programs of manyhands. The error is the first one of the compiler.
    fn build(&self, target: &str, targets: &[&str], settings: &[&str], flags: &str) -> Result<Vec<PathBuf>, String> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args([
            "test",
            "--package",
            "manyhands",
            "--no-run",
            "--locked",
            "--message-format=json-render-diagnostics",
        ]);
        cargo.args(targets).args(settings.iter().flat_map(|setting| ["--config", setting]));
        cargo.env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", self.folder.join(target)).current_dir(self.tree());
        let built = cargo.stdin(Stdio::null()).output().map_err(|error| format!("cargo cannot be started: {error}"))?;
        if built.status.success() {
            return Ok(executables(&String::from_utf8_lossy(&built.stdout)));
        }
        let errors = String::from_utf8_lossy(&built.stderr);
        Err(errors.lines().find(|line| line.starts_with("error")).unwrap_or("cargo failed without an error").to_owned())
    }

    /// Runs a test program with these arguments and kills it after the time limit.
    pub(super) fn run(&self, program: &Path, arguments: &[&str], limit: Duration) -> Result<Ended, String> {
        let name = program.file_name().unwrap_or(OsStr::new("program")).to_string_lossy().into_owned();
        let log = self.folder.join(format!("{name}.log"));
        let status = self.run_into(&log, program, arguments, limit).map_err(|error| format!("{name}: {error}"))?;
        let said = fs::read(&log).map_err(|error| format!("{name}: {error}"))?;
        Ok(match status {
            None => Ended::NotInTime,
            Some(status) if status.success() => Ended::Passed,
            Some(status) => Ended::Failed { reason: reason(&String::from_utf8_lossy(&said), status) },
        })
    }

    fn run_into(
        &self,
        log: &Path,
        program: &Path,
        arguments: &[&str],
        limit: Duration,
    ) -> io::Result<Option<ExitStatus>> {
        let said = File::create(log)?;
        let mut command = Command::new(program);
        // Captured output would be lost when the program aborts.
        command.args(arguments).arg("--nocapture").current_dir(self.tree());
        command.env_remove("MANYHANDS_LOOM_DEEPER").env_remove("LOOM_MAX_PREEMPTIONS");
        let child = command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said).spawn()?;
        wait_at_most(child, limit)
    }
}

fn wait_at_most(mut child: Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn write_if_other(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().expect("a file lies in a folder"))?;
    fs::write(path, bytes)
}

/// Removes files of an earlier copy that the project no longer has: cargo would find their tests.
fn remove_others(tree: &Path, folder: &Path, is_known: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(tree.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(tree, &path, is_known)?;
        } else if !is_known(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The programs named in cargo's JSON messages, one message per line.
fn executables(messages: &str) -> Vec<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).collect()
}

/// The message of the first panic, in one line.
fn reason(said: &str, status: ExitStatus) -> String {
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
    let Some(first) = lines.next() else { return format!("no word but {status}") };
    let values = lines.take_while(|line| line.starts_with("  left:") || line.starts_with(" right:"));
    let whole = values.fold(first.to_owned(), |whole, value| format!("{whole}, {}", value.trim()));
    // The message of a deadlock goes on with a list of all threads.
    whole.split("; threads").next().unwrap_or_default().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_failure() -> ExitStatus {
        Command::new(env!("CARGO"))
            .arg("no-such-command-of-cargo")
            .stderr(Stdio::null())
            .status()
            .expect("cargo can be started")
    }

    #[test]
    fn a_failure_is_told_in_one_line() {
        let said = "running 1 test\n\nthread 'a' panicked at a.rs:1:2:\nassertion `left == right` failed\n  left: 1\n \
                    right: 2\nnote: x";
        assert_eq!(reason(said, a_failure()), "assertion `left == right` failed, left: 1, right: 2");
        let deadlock = "thread 'a' panicked at b.rs:3:4:\ndeadlock; threads = [(Id(0), Blocked)]";
        assert_eq!(reason(deadlock, a_failure()), "deadlock");
        assert!(reason("running 1 test", a_failure()).starts_with("no word but exit"));
    }

    #[test]
    fn programs_are_found_in_the_messages() {
        let messages =
            "{\"reason\":\"a\",\"executable\":null}\n{\"reason\":\"a\",\"executable\":\"/x/y-1\",\"fresh\":true}\n";
        assert_eq!(executables(messages), [PathBuf::from("/x/y-1")]);
    }

    #[test]
    #[cfg(unix)]
    fn a_program_that_does_not_end_is_ended() {
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(wait_at_most(child, Duration::from_millis(50)).unwrap(), None);
    }

    #[test]
    fn a_copy_follows_its_project() {
        let root = std::env::temp_dir().join(format!("xtask-sandbox-{}", std::process::id()));
        for name in ["src/a.rs", "src/old/b.rs"] {
            write_if_other(&root.join(name), b"one").unwrap();
        }
        let written = || fs::metadata(root.join("src/a.rs")).unwrap().modified().unwrap();
        let before = written();
        write_if_other(&root.join("src/a.rs"), b"one").unwrap();
        assert_eq!(written(), before, "what is the same stays as it is");
        remove_others(&root, Path::new(""), &|path| path == Path::new("src/a.rs")).unwrap();
        assert!(root.join("src/a.rs").exists() && !root.join("src/old/b.rs").exists());
        fs::remove_dir_all(&root).unwrap();
    }
}
