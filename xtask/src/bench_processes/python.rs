//! The script of the Python peers, and a virtual environment in `target` with the packages that it needs.

use super::SMALL;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The commands, as a user types them.
pub(super) const SHOWN: &str = "python3 -m venv target/peers-python; pip install numpy psutil loky joblib pebble mpire";

const FOLDER: &str = "target/peers-python";
const SCRIPT: &str = "../shared/peers/process_pool_bench.py";
const PACKAGES: [&str; 6] = ["numpy", "psutil", "loky", "joblib", "pebble", "mpire"];

/// An interpreter with the packages.
#[derive(Debug)]
pub(super) struct Python {
    program: PathBuf,
}

impl Python {
    /// Creates the environment unless it exists. The error is the reason why there is none.
    pub(super) fn prepare(root: &Path) -> Result<Self, String> {
        if !root.join(SCRIPT).is_file() {
            return Err(format!("there is no {SCRIPT}"));
        }
        let folder = root.join(FOLDER);
        let python = Self { program: folder.join("bin/python") };
        if python.has_packages() {
            return Ok(python);
        }
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        succeeds(Command::new(&python.program).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
        Ok(python)
    }

    /// The interpreter's version and those of the packages.
    pub(super) fn versions(&self) -> String {
        let code = "import sys, importlib.metadata as m; \
            print('python', sys.version.split()[0], *(f'{p} {m.version(p)}' for p in sys.argv[1:]), sep=', ')";
        let answer = Command::new(&self.program).args(["-c", code]).args(PACKAGES).output();
        answer.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned()).unwrap_or_default()
    }

    /// One run of the script with one case.
    pub(super) fn script(&self, root: &Path, case: &str, is_small: bool) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(root.join(SCRIPT)).args(["--reps", "1", "--case", case]).current_dir(root);
        if is_small {
            command.args(SMALL).args(["--hang_s", "6"]);
        }
        command
    }

    fn has_packages(&self) -> bool {
        let imports = format!("import {}", PACKAGES.join(", "));
        let mut command = Command::new(&self.program);
        command.args(["-c", &imports]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(error) => Err(format!("{program} could not be started: {error}")),
    }
}
