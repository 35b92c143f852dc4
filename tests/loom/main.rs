//! Models: every interleaving of a few threads through one primitive, up to a number of pre-emptions.
#![cfg(manyhands_loom)]

mod cache;
mod cancel;
mod counter;
mod dispatcher;
mod explore;
mod lock;
mod process;
mod source;
mod status;
mod stream;
mod synchronized;
mod thread_pool;
mod tracker;

use explore::{check, check_no_deeper};
