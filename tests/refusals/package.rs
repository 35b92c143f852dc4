//! A package whose binaries are the programs, and what the compiler says of each.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::programs::Program;

/// What every program has before its `main`.
const HEAD: &str = "#![allow(dead_code, unused)]
use manyhands::*;

#[derive(Clone, Copy)]
struct CopyToken;
struct Token;
fn look<T>(_: &T) {}
fn init_state() -> u32 { 0 }
";

/// Checks the programs. Gives the errors of those that have any, by name.
pub(crate) fn check(programs: &[Program]) -> HashMap<String, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("refusals");
    write(&folder, programs);
    let output = Command::new(env!("CARGO"))
        .args([
            "check",
            "--bins",
            "--offline",
            "--keep-going",
            "--quiet",
            "--message-format",
            "json",
            "--manifest-path",
        ])
        .arg(folder.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env_remove("RUSTFLAGS")
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let mut errors: HashMap<String, String> = HashMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        let said = &message["message"];
        if message["reason"] == "compiler-message" && said["level"] == "error" {
            let name = message["target"]["name"].as_str().unwrap().to_owned();
            *errors.entry(name).or_default() += said["rendered"].as_str().unwrap();
        }
    }
    assert!(!errors.is_empty(), "cargo did not come to check: {}", String::from_utf8_lossy(&output.stderr));
    errors
}

/// Writes the package anew, and leaves its target folder.
fn write(folder: &Path, programs: &[Program]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = folder.join("src/bin");
    if sources.exists() {
        fs::remove_dir_all(&sources).unwrap();
    }
    fs::create_dir_all(&sources).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let manifest = format!(
        "[package]\nname = \"refusals\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         manyhands = {{ path = {root:?}, default-features = false, features = [\"processes\"] }}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    for Program { name, body, .. } in programs {
        fs::write(sources.join(format!("{name}.rs")), format!("{HEAD}\nfn main() {{\n{body}\n}}\n")).unwrap();
    }
}
