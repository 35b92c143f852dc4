//! Software Vulkan: a graphics processor that is emulated on the cores, so that the kernels of `examples/gpu` can be tested on any machine.
//!
//! Promises: where the emulating driver is installed, nothing happens; where Debian's package can be installed, it is; elsewhere a line that begins
//! with `SKIPPED:` says what is missing and how to get it. Leaves to others: the tests, which look for a device by themselves.

use crate::stage::{Done, Failed, Stages};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The Debian package, the name by which its driver is registered, and the folders for that. A driver of another name may have no device.
const DRIVER: &str = "lvp_icd";
const PACKAGE: &str = "mesa-vulkan-drivers";
const REGISTERED: [&str; 2] = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/// Installs software Vulkan where it is absent and can be had.
pub(crate) fn stage(stages: &mut Stages) -> Done {
    if is_installed(&REGISTERED) {
        return stages.step("vulkan", "the emulating driver is registered", |_| Ok(()));
    }
    if !can_install() {
        println!("{}", skipped());
        return Ok(());
    }
    let installed = stages.step("vulkan", &format!("apt-get install {PACKAGE}"), |_| install());
    if installed.is_err() {
        // Without the package the tests of devices say that they skip; that is no failure of the project.
        println!("{}", skipped());
    }
    Ok(())
}

/// Whether the emulating driver is there: the tests of devices must run then.
pub(crate) fn is_there() -> bool {
    is_installed(&REGISTERED)
}

fn is_installed(folders: &[&str]) -> bool {
    let is_emulating = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with(DRIVER);
    folders
        .iter()
        .any(|folder| fs::read_dir(Path::new(folder)).is_ok_and(|drivers| drivers.flatten().any(is_emulating)))
}

fn can_install() -> bool {
    let says = |program: &str, argument: &str| Command::new(program).arg(argument).stderr(Stdio::null()).output();
    let is_root = says("id", "-u").is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    is_root && says("apt-get", "--version").is_ok_and(|output| output.status.success())
}

fn install() -> Done {
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let is_done = apt(&["update", "-qq"]) && apt(&["install", "-y", "-qq", "--no-install-recommends", PACKAGE]);
    if is_done && is_there() { Ok(()) } else { Err(Failed { exit_code: 1 }) }
}

fn skipped() -> String {
    format!(
        "SKIPPED: the kernels for graphics processors are not tested: the emulating Vulkan driver is not registered in {}; get it with \
         `apt-get install {PACKAGE}`",
        REGISTERED.join(" or ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulating_driver_counts_and_no_folder_or_another_driver_does_not() {
        let folder = std::env::temp_dir().join(format!("xtask-vulkan-{}", std::process::id()));
        let name = folder.to_str().unwrap();
        assert!(!is_installed(&[name]));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("nvidia_icd.json"), "{}").unwrap();
        assert!(!is_installed(&[name]));
        fs::write(folder.join("lvp_icd.x86_64.json"), "{}").unwrap();
        assert!(is_installed(&["/nowhere", name]));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_skipped_is_named_with_the_way_out() {
        assert!(skipped().starts_with("SKIPPED: ") && skipped().ends_with("`apt-get install mesa-vulkan-drivers`"));
    }
}
