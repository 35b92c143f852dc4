//! The program as a user calls it, and what every command of it promises.

use std::process::{Command, Output};

/// Runs `signal-batch` with these arguments, to its end.
pub(crate) fn signal_batch(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_signal-batch")).args(arguments).output().unwrap()
}

/// Fails unless the program ended with this code; returns what it wrote to standard output and to standard error.
pub(crate) fn require_code(output: &Output, code: i32) -> (String, String) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout: {out}\nstderr: {err}");
    (out.into_owned(), err.into_owned())
}

#[test]
fn every_metric_is_listed_with_its_unit_and_what_it_is() {
    let (text, _) = require_code(&signal_batch(&["metrics"]), 0);
    assert_eq!(text.lines().count(), signal_batch::Metric::ALL.len(), "{text}");
    assert!(
        text.lines().any(|line| line.starts_with("snr_db ") && line.contains(" dB   fundamental / noise")),
        "{text}"
    );
}

#[test]
fn a_flag_in_front_of_a_command_is_refused_with_the_way_out() {
    let (_, shown) = require_code(&signal_batch(&["--out", "x", "metrics"]), 2);
    assert!(shown.contains("write it behind the command"), "{shown}");
    let (_, shown) = require_code(&signal_batch(&["metrics", "--workers", "0"]), 2);
    assert!(shown.contains("1 or more"), "{shown}");
}
