//! Behaviour of the sleep-analysis library, one module per behaviour; numbers come from the golden cases where they are.

#![expect(clippy::unwrap_used, reason = "a test's own helpers may panic as its body may")]
#![expect(clippy::print_stderr, reason = "a test that skips for want of data says so loudly")]

mod eeg;
mod epoch;
mod features;
mod golden;
