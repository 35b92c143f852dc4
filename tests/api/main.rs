//! What the call promises, one module per behaviour.
//!
//! `cfg(test)` is always true here; where it stands, it tells the lints that helpers of tests may unwrap and print too.

mod caches;
mod cancel;
mod configuration;
#[cfg(test)]
mod done_if;
#[cfg(test)]
mod events;
mod failures;
#[cfg(feature = "journal")]
#[cfg(test)]
mod journal;
#[cfg(feature = "journal")]
#[cfg(test)]
mod laws;
#[cfg(test)]
mod lazy;
mod locks;
#[cfg(test)]
mod memory;
mod modes;
mod nesting;
mod order;
#[cfg(test)]
mod progress;
#[cfg(all(feature = "reports", feature = "journal"))]
#[cfg(test)]
mod reports;
#[cfg(test)]
mod retry;
mod settings;
mod streams;
mod worker_state;
