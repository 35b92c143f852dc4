//! Items that say themselves what they do, and what must come of them.

use std::hint::black_box;
use std::panic::{set_hook, take_hook};
use std::process;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

/// How the message of each panic begins that a call contains on purpose.
pub(crate) const ON_PURPOSE: &str = "on purpose: item ";
/// The exit code of an item that ends its worker by one.
pub(crate) const EXIT_CODE: i32 = 7;

/// An item. The salt is the call's: an answer to another call's item is a wrong value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) salt: u64,
    pub(crate) number: u64,
    pub(crate) act: Act,
}

/// What an item does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// Has its value at once.
    Answer,
    /// Has its value after so many microseconds.
    Sleep(u64),
    Error,
    Panic,
    KillItself,
    Exit,
    Abort,
    /// Exceeds each time limit.
    Hang,
    /// Exceeds each memory limit.
    EatMemory,
}

impl Item {
    /// The value that the item has where it does not fail.
    pub(crate) fn value(&self) -> u64 {
        value(self.salt, self.number)
    }

    pub(crate) fn key(&self) -> String {
        format!("{:x}-{}", self.salt, self.number)
    }
}

pub(crate) fn value(salt: u64, number: u64) -> u64 {
    salt.wrapping_mul(31) ^ (number * number)
}

pub(crate) fn panic_on_purpose(number: u64) -> ! {
    panic!("{ON_PURPOSE}{number}")
}

pub(crate) fn perform(item: &Item) -> Result<u64, String> {
    match item.act {
        Act::Answer => {}
        Act::Sleep(micros) => thread::sleep(Duration::from_micros(micros)),
        Act::Error => return Err(format!("error of item {}", item.number)),
        Act::Panic => panic_on_purpose(item.number),
        Act::KillItself => kill_itself(),
        Act::Exit => process::exit(EXIT_CODE),
        Act::Abort => process::abort(),
        Act::Hang => thread::sleep(Duration::from_secs(3600)),
        Act::EatMemory => _ = black_box(vec![0_u8; 8 << 30]),
    }
    Ok(item.value())
}

fn kill_itself() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap();
    unreachable!("SIGKILL ends the process");
}

/// An item whose drop may panic, in each process that has a copy of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fragile {
    pub(crate) item: Item,
    pub(crate) panics: bool,
}

impl Drop for Fragile {
    fn drop(&mut self) {
        if self.panics && !thread::panicking() {
            panic_on_purpose(self.item.number);
        }
    }
}

pub(crate) fn perform_fragile(fragile: &Fragile) -> Result<u64, String> {
    perform(&fragile.item)
}

/// Panics on purpose are not printed; all others are, as ever.
pub(crate) fn silence_panics_on_purpose() {
    let usual = take_hook();
    set_hook(Box::new(move |info| {
        let message = info.payload().downcast_ref::<String>();
        if !message.is_some_and(|message| message.starts_with(ON_PURPOSE)) {
            usual(info);
        }
    }));
}
