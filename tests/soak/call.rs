//! One call: its random numbers, its fault, its items, and what is done to it from outside while it runs.

use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use manyhands::{AnyMode, CancelToken, Job, OnFailure, Processes};
use manyhands_test_support::rng::Rng;

use crate::fault::Fault;
use crate::items::{Act, Item};
use crate::judge::Injected;
use crate::lines::{Line, how_many_kills, say};

/// How long caller and workers are stopped where no limit of time is to be tried, and where one is.
const SHORT_PAUSE: Duration = Duration::from_millis(50);
const LONG_PAUSE: Duration = Duration::from_millis(320);
/// Longer than any item needs, even on a busy machine, and shorter than the long pause.
pub(crate) const TIME_LIMIT: Duration = Duration::from_millis(200);

/// One call that is to be made.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) rng: Rng,
    pub(crate) fault: Option<Fault>,
    /// Where the call writes files. It removes them.
    pub(crate) folder: PathBuf,
    /// The items that it had so far.
    pub(crate) n_items: usize,
}

impl Call {
    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// A number for the items of one call, which no other call has.
    pub(crate) fn salt(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Some items, most often a few dozen; and the fault of this call among them, where it is one of items.
    pub(crate) fn items(&mut self) -> Vec<Item> {
        let n_items = match self.rng.below(40) {
            0 => 0,
            1 => 300,
            _ => 1 + self.rng.index(40),
        };
        self.some_items(if self.fault.is_some() { n_items.clamp(10, 40) } else { n_items })
    }

    pub(crate) fn some_items(&mut self, n_items: usize) -> Vec<Item> {
        let salt = self.salt();
        // Slow enough that what is done from outside finds items at work.
        let act = match self.fault {
            Some(Fault::Pause) => Act::Sleep(3000),
            Some(Fault::Kill | Fault::Cancel) => Act::Sleep(1000),
            _ => Act::Answer,
        };
        let mut items: Vec<Item> = (0..n_items as u64).map(|number| Item { salt, number, act }).collect();
        for _ in 0..self.n_odd_ones() {
            let at = self.rng.index(n_items);
            items[at].act = self.odd_act();
        }
        self.n_items += n_items;
        items
    }

    fn n_odd_ones(&mut self) -> usize {
        match self.fault {
            Some(Fault::Panic) => 1 + self.rng.index(5),
            Some(Fault::Death | Fault::Limit) => 1,
            _ => 0,
        }
    }

    fn odd_act(&mut self) -> Act {
        let acts: &[Act] = match self.fault {
            Some(Fault::Death) => &[Act::KillItself, Act::Exit, Act::Abort],
            Some(Fault::Limit) => &[Act::EatMemory, Act::EatMemory, Act::Hang],
            _ => &[Act::Panic, Act::Error],
        };
        acts[self.rng.index(acts.len())]
    }

    /// Worker processes, under a limit of time where a pause is to be taken for no item's time.
    pub(crate) fn processes(&mut self) -> Processes {
        let processes = Processes::new();
        if self.is(Fault::Pause) { processes.time_limit(TIME_LIMIT) } else { processes }
    }

    /// Any mode; worker processes where the fault needs some.
    pub(crate) fn any_mode(&mut self) -> AnyMode {
        match self.rng.below(4) {
            _ if self.is(Fault::Kill) || self.is(Fault::Death) => AnyMode::Processes(self.processes()),
            0 => AnyMode::Serial,
            1 => AnyMode::Threads,
            2 => AnyMode::IoThreads,
            _ => AnyMode::Processes(self.processes()),
        }
    }

    /// A job that goes on whatever fails, with some of the settings that must make no difference.
    pub(crate) fn settings<'a, M, C>(&mut self, job: Job<'a, Item, M, C>) -> Job<'a, Item, M, C> {
        let job = job.workers(1 + self.rng.index(3)).on_failure(OnFailure::Continue);
        let job = if self.rng.one_in(2) { job.key(Item::key) } else { job };
        let job = if self.rng.one_in(8) { job.shuffle(self.rng.next_u64()) } else { job };
        match self.rng.below(4) {
            0 => job.chunk_size(1 + self.rng.index(8)),
            _ => job,
        }
    }

    /// Begins what is done to this call from outside.
    pub(crate) fn disturb(&mut self) -> Disturbance {
        let after = self.rng.part_of(Duration::from_millis(6));
        let mut disturbance = Disturbance { fault: self.fault, token: None, canceller: None };
        match self.fault {
            Some(Fault::Kill) => say(&Line::Kill { after, pick: self.rng.index(16) }),
            Some(Fault::Pause) => {
                let length = if self.rng.one_in(2) { SHORT_PAUSE } else { LONG_PAUSE };
                say(&Line::Pause { after: after / 2, length, caller_first: self.rng.one_in(2) });
            }
            Some(Fault::Cancel) => {
                let token = CancelToken::new();
                disturbance.token = Some(token.clone());
                disturbance.canceller = Some(thread::spawn(move || {
                    thread::sleep(after);
                    token.cancel();
                }));
            }
            _ => {}
        }
        disturbance
    }
}

/// What is done to a call while it runs.
#[derive(Debug)]
#[must_use = "the call is over when its disturbance is"]
pub(crate) struct Disturbance {
    fault: Option<Fault>,
    token: Option<CancelToken>,
    canceller: Option<JoinHandle<()>>,
}

impl Disturbance {
    pub(crate) fn token(&self) -> Option<&CancelToken> {
        self.token.as_ref()
    }

    /// Waits for its end; gives what it may have done to the call.
    pub(crate) fn end(self) -> Injected {
        if let Some(canceller) = self.canceller {
            canceller.join().unwrap();
        }
        let is_outside = matches!(self.fault, Some(Fault::Kill | Fault::Pause));
        let kills = if is_outside { how_many_kills() } else { 0 };
        Injected { kills, is_cut: self.token.is_some(), ..Injected::default() }
    }
}
