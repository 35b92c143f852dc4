//! What the call promises, one module per behaviour.

mod caches;
mod cancel;
mod configuration;
mod failures;
mod locks;
mod modes;
mod nesting;
mod order;
mod settings;
mod streams;
mod worker_state;
