//! How long one capture may take: a limit that only a mode with processes can hold.

use std::time::Duration;

use jiff::SignedDuration;
use manyhands::AnyMode;

use crate::cli::Refusal;

/// A time above zero, such as 5s, 500ms or 2m; a number alone is in seconds.
///
/// # Errors
/// A message for anything else.
pub(super) fn time_limit(text: &str) -> Result<Duration, String> {
    let refuse = || format!("{text:?} is no time limit; give a time above zero, such as 5s, 500ms or 2m");
    if let Ok(seconds) = text.trim().parse::<f64>() {
        let limit = Duration::try_from_secs_f64(seconds).map_err(|_| refuse())?;
        return if limit.is_zero() { Err(refuse()) } else { Ok(limit) };
    }
    let limit: SignedDuration = text.trim().parse().map_err(|_| refuse())?;
    if limit.is_positive() { Duration::try_from(limit).map_err(|_| refuse()) } else { Err(refuse()) }
}

/// The mode in which no capture takes longer than the limit.
///
/// # Errors
/// A message for a mode that cannot end a capture: threads share their process with all others.
pub(super) fn limited(mode: AnyMode, limit: Option<Duration>) -> Result<AnyMode, Refusal> {
    match (mode, limit) {
        (mode, None) => Ok(mode),
        (AnyMode::Processes(processes), Some(limit)) => Ok(AnyMode::Processes(processes.time_limit(limit))),
        (mode, Some(_)) => Err(format!(
            "--time-limit ends the process that measures a capture, and mode {mode} has none; add --mode processes, or \
             leave the limit out"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units_and_refused_with_the_way_out() {
        for (text, millis) in [("5s", 5000), ("500ms", 500), ("2m", 120_000), ("0.25", 250), ("1h 30m", 5_400_000)] {
            assert_eq!(time_limit(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["0", "-1s", "0s", "soon", "", "nan", "inf", "1e300"] {
            assert!(time_limit(text).unwrap_err().contains("500ms"), "{text}");
        }
    }

    #[test]
    fn only_processes_hold_a_limit() {
        let limit = Some(Duration::from_secs(1));
        assert!(limited(AnyMode::Processes(manyhands::Processes::new()), limit).is_ok());
        for mode in [AnyMode::Serial, AnyMode::Threads, AnyMode::IoThreads] {
            assert!(limited(mode, limit).unwrap_err().contains("--mode processes"));
            assert!(limited(mode, None).is_ok());
        }
    }
}
