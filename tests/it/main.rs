//! What the call promises, one module per behaviour.
//!
//! `cfg(test)` is always true here; where it stands, it tells the lints that helpers of tests may unwrap and print too.

mod caches;
mod cancel;
mod configuration;
mod failures;
mod locks;
mod modes;
mod nesting;
mod order;
#[cfg(test)]
mod progress;
mod settings;
mod streams;
mod worker_state;
