//! The numbers of worker processes: 1, 2, 3, .., as small as possible, so that a dead worker's number is used again.
//!
//! Promises: no two living workers of this process have the same number.
//!
//! Numbers stand before printed lines, in reports, in journals and in events of `tracing`. With workers 1 to 4, of which 2 dies, its
//! replacement is number 2 again, unless another call has taken the number by then. A recycled worker keeps its number
//! until it has ended, so its replacement may be number 5.

use crate::sync::{Mutex, ProcessMark, per_process};

per_process! {
    /// At each place: whether the number, less one, belongs to a living worker.
    static TAKEN: Mutex<Vec<bool>> = Mutex::new(Vec::new());
}

/// The number of one living worker. Dropping it makes the number free.
#[derive(Debug)]
pub(super) struct WorkerNumber(usize, ProcessMark);

impl WorkerNumber {
    /// Takes the lowest free number. Costs one step per living worker, under a lock.
    pub(super) fn lowest_free() -> Self {
        let mut taken = TAKEN.lock();
        let free = taken.iter().position(|is_taken| !is_taken).unwrap_or(taken.len());
        if free == taken.len() {
            taken.push(false);
        }
        taken[free] = true;
        Self(free + 1, ProcessMark::current())
    }

    /// The number, from 1.
    pub(super) fn get(&self) -> usize {
        self.0
    }
}

impl Drop for WorkerNumber {
    fn drop(&mut self) {
        // A forked child counts its own workers anew.
        if self.1.is_current() {
            TAKEN.lock()[self.0 - 1] = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_once_until_it_is_dropped() {
        let numbers: Vec<WorkerNumber> = (0..20).map(|_| WorkerNumber::lowest_free()).collect();
        let mut seen: Vec<usize> = numbers.iter().map(WorkerNumber::get).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 20, "two living workers have the same number");
        let (most, lowest) = (seen[19], seen[0]);
        drop(numbers);
        let again = WorkerNumber::lowest_free();
        assert!(lowest <= again.get() && again.get() <= most, "{} is not one of the freed numbers", again.get());
    }
}
