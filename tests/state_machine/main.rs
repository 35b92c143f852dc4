//! What the shared types do in one thread: any sequence of steps against a plain model that takes the same steps.
//!
//! Nothing here starts a thread, so every failure can be repeated. Threads are left to `api` and `stress`, interleavings to
//! the models. `cfg(test)` is always true here; it tells the lints that helpers may unwrap too.

#[cfg(test)]
mod bounded_cache;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod counted;
#[cfg(test)]
mod counters;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod tracker;
