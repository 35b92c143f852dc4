//! A caller: makes the calls of one kind, judges each, and looks at what is left behind after every few hundred.

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use manyhands::{Job, LocalMode, Processes};
use manyhands_test_support::leak_check::assert_no_leak;
use manyhands_test_support::processes::children;
use manyhands_test_support::rng::Rng;
use manyhands_test_support::wait::holds_within;
use manyhands_test_support::watchdog::Watchdog;

use crate::call::Call;
use crate::fault::Fault;
use crate::judge::Verdict;
use crate::kinds::{self, Kind};
use crate::lines::{Counts, Line, Orders, say};
use crate::{fork, heap};

/// A call takes half a second at most.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// So many calls come before the first look: they make what later ones use again.
const WARM_UP: usize = 8;
/// By so many bytes the heap may grow, and by so many more for each call: 10 000 calls may leave 48 KiB behind.
const HEAP_BOUND: isize = 16 << 10;
const HEAP_PER_CALL: isize = 3;
/// By so many KiB the memory of the process may grow: what the allocator keeps differs from time to time.
const MEMORY_BOUND: u64 = 48 << 10;

/// Makes all calls that the orders ask for.
pub(crate) fn make_calls(orders: &Orders) -> ExitCode {
    let kind = kinds::named(&orders.kind).expect("the parent knows the kinds");
    let watchdog = Watchdog::start(kind.name, format!("--seed {} {}", orders.seed, kind.name), CALL_TIMEOUT);
    let mut caller =
        Caller { orders, kind, watchdog, begun: Instant::now(), counts: Counts::default(), n_made: 0, first: None };
    fill_the_pools();
    // A caller that goes on after another one has had them.
    let warm_up = orders.end.min(orders.first + WARM_UP);
    (orders.first..warm_up).for_each(|number| caller.make(number));
    caller.count();
    for first in (warm_up..orders.end).step_by(orders.per_check) {
        caller.make_and_check(first, orders.end.min(first + orders.per_check));
    }
    settle();
    say(&Line::Done);
    ExitCode::SUCCESS
}

struct Caller<'o> {
    orders: &'o Orders,
    kind: &'static Kind,
    watchdog: Watchdog,
    begun: Instant,
    counts: Counts,
    n_made: isize,
    /// Bytes on the heap and KiB of memory at the first look.
    first: Option<(isize, u64)>,
}

impl Caller<'_> {
    /// Makes these calls, and reports what they left behind.
    fn make_and_check(&mut self, first: usize, end: usize) {
        let calls = format!("calls {first} to {end}");
        let folder = self.orders.folder.clone();
        let checked = caught(|| {
            assert_no_leak(&calls, settle, || (first..end).for_each(|number| self.make(number)));
            Ok(())
        });
        let left = checked.and_then(|()| nothing_is_in(&folder)).and_then(|()| self.memory_is_bounded());
        if let Err(text) = left {
            say(&Line::Finding { call: calls, text });
        }
        self.count();
    }

    fn make(&mut self, number: usize) {
        if self.orders.at_most.is_some_and(|time| self.begun.elapsed() >= time) {
            return;
        }
        self.watchdog.beat();
        let seed = self.kind.name.bytes().fold(self.orders.seed, |mix, byte| (mix ^ u64::from(byte)).rotate_left(9));
        let mut rng = Rng::new(seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)).fork();
        let possible: Vec<Fault> =
            self.kind.faults.iter().copied().filter(|fault| !self.orders.without.contains(fault)).collect();
        let fault = Fault::draw(&possible, number.wrapping_sub(WARM_UP), &mut rng);
        say(&Line::Call { number, fault });
        let mut call = Call { rng, fault, folder: self.orders.folder.clone(), n_items: 0 };
        if let Err(text) = caught(|| self.verdict(&mut call)) {
            let fault = fault.map_or("no fault", Fault::name);
            say(&Line::Finding { call: format!("call {number} ({fault})"), text });
        }
        self.counts.calls += 1;
        self.n_made += 1;
        self.counts.items += call.n_items;
        fault.into_iter().for_each(|fault| *self.counts.faults.entry(fault).or_default() += 1);
    }

    fn verdict(&self, call: &mut Call) -> Verdict {
        if !call.is(Fault::Fork) {
            return (self.kind.make)(call);
        }
        let folder = call.folder.join("in-child");
        fs::create_dir(&folder).unwrap();
        let mut in_child = Call { rng: call.rng.fork(), fault: None, folder: folder.clone(), n_items: 0 };
        call.fault = None;
        let verdict = fork::both(|| (self.kind.make)(&mut in_child), || (self.kind.make)(call));
        // What a child left that was killed is not a finding of its own.
        if verdict.is_ok() {
            fs::remove_dir(&folder).unwrap()
        } else {
            fs::remove_dir_all(&folder).unwrap()
        }
        verdict
    }

    fn memory_is_bounded(&mut self) -> Verdict {
        let (heap, memory) = (heap::n_bytes(), memory_of_this_process());
        let (first_heap, first_memory) = *self.first.get_or_insert((heap, memory));
        let growth = heap - first_heap;
        self.counts.heap = self.counts.heap.max(growth);
        let bound = HEAP_BOUND + HEAP_PER_CALL * self.n_made;
        if growth > bound {
            return Err(format!("the heap has grown by {growth} bytes since the first look; {bound} are allowed"));
        }
        match memory.saturating_sub(first_memory) {
            growth if growth > MEMORY_BOUND => Err(format!("the process has grown by {growth} KiB of memory")),
            _ => Ok(()),
        }
    }

    /// Tells the parent what was done since the last time.
    fn count(&mut self) {
        say(&Line::Counted(std::mem::take(&mut self.counts)));
    }
}

/// Kept threads are started before the first look, as many as any call asks for.
fn fill_the_pools() {
    for mode in [LocalMode::Threads, LocalMode::IoThreads] {
        let waiting = Job::new(&[(); 100]).mode(mode).workers(16).chunk_size(1);
        waiting.run(|()| thread::sleep(Duration::from_micros(100))).unwrap().into_result().unwrap();
    }
    Job::new(&[1, 2]).mode(Processes::new()).run(|n: &i32| n + 1).unwrap().into_result().unwrap();
}

/// Ends idle workers, and waits for what goes on in the background: streams that were dropped with items in hand.
fn settle() {
    holds_within(Duration::from_secs(2), || {
        Processes::end_idle_workers();
        children(std::process::id()).is_empty()
    });
}

fn nothing_is_in(folder: &Path) -> Verdict {
    let names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    if names.is_empty() { Ok(()) } else { Err(format!("files are left: {names:?}")) }
}

/// The memory of this process alone, in KiB, after the allocator has given back what it can.
fn memory_of_this_process() -> u64 {
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time, by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A panic is a finding too.
fn caught(act: impl FnOnce() -> Verdict) -> Verdict {
    let message = |payload: Box<dyn Any + Send>| match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().map_or("a panic without a message", |text| text).to_owned(),
    };
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|payload| Err(format!("panicked: {}", message(payload))))
}
