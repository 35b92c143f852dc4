//! What the call promises, one module per behaviour.
//!
//! `cfg(test)` is always true here; where it stands, it tells the lints that helpers of tests may unwrap and print too.

#[cfg(test)]
mod caches;
mod cancel;
#[cfg(test)]
mod capture;
#[cfg(test)]
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod destructors;
#[cfg(test)]
mod done_if;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod events;
#[cfg(test)]
mod failures;
#[cfg(feature = "journal")]
#[cfg(test)]
mod journal;
#[cfg(feature = "journal")]
#[cfg(test)]
mod laws;
#[cfg(test)]
mod lazy;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod modes;
#[cfg(test)]
mod nesting;
#[cfg(test)]
mod order;
#[cfg(test)]
mod progress;
#[cfg(all(feature = "reports", feature = "journal"))]
#[cfg(test)]
mod records;
#[cfg(all(feature = "reports", feature = "journal"))]
#[cfg(test)]
mod reports;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod worker_state;
