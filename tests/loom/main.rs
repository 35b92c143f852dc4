//! Models: every interleaving of a few threads through one primitive, up to a number of pre-emptions.
#![cfg(manyhands_loom)]

mod board;
mod cache;
mod cancel;
mod counter;
mod explore;
mod gang;
mod lock;
mod status;
mod stream;
mod synchronized;
mod tracker;

use explore::{check, check_no_deeper};
