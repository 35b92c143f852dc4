//! The shared types under real threads, for as long as one likes: random uses, and what must hold whatever happens.
//!
//! Each test is a scenario: round after round of a few threads, until its time is up. `cargo test` gives each a moment,
//! `cargo xtask stress` minutes. Threads are left to run as they like, so a seed repeats what is done and not when. Every
//! schedule of a few steps is left to the models. `cfg(test)` is always true here; it tells the lints that helpers may
//! unwrap and print too.

#[cfg(test)]
mod cache;
#[cfg(test)]
mod counters;
#[cfg(test)]
mod cycles;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod tracker;
