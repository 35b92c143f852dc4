//! The system's steady clock as a number, so that times can be compared between processes. An `Instant` cannot travel.

/// Nanoseconds of the monotonic clock, which has the same zero for all processes of the machine.
///
/// A worker process stores it on its page at the start of an item, and the supervisor compares it with its own: so a
/// time limit of an item needs no message. Differences alone have a meaning; the zero is about the start of the
/// machine.
pub(crate) fn nanos() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_at_the_pace_of_an_instant() {
        let (start, instant) = (nanos(), std::time::Instant::now());
        std::thread::sleep(std::time::Duration::from_millis(5));
        let (most, least) = (instant.elapsed().as_nanos(), 5_000_000);
        let elapsed = u128::from(nanos() - start);
        assert!(elapsed >= least && elapsed + 1_000_000_000 >= most, "{elapsed} ns by this clock, {most} by the other");
    }
}
