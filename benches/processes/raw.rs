//! What no pool can beat: the way through a socket and back, a copy in memory, and the same work in threads of one
//! process.

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::line::Line;
use crate::measurement::this_program;
use crate::options::Options;
use crate::ours::{gigabytes_per_second, millis, percentiles};
use crate::tasks;

/// As much as a call of a small item and its frame.
const MESSAGE: usize = 64;

/// A copy of this program that sends back what it gets.
#[derive(Debug)]
pub(crate) struct Partner {
    socket: UnixStream,
    process: Child,
}

impl Partner {
    pub(crate) fn start() -> Self {
        let (socket, theirs) = UnixStream::pair().expect("a pair of sockets");
        let process = this_program("echo").stdin(OwnedFd::from(theirs)).spawn().expect("this program starts again");
        let mut partner = Self { socket, process };
        partner.round();
        partner
    }

    /// How long a message takes there and back.
    pub(crate) fn round(&mut self) -> Duration {
        let mut message = [7; MESSAGE];
        let begun = Instant::now();
        self.socket
            .write_all(&message)
            .and_then(|()| self.socket.read_exact(&mut message))
            .expect("the partner is there");
        begun.elapsed()
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        // The partner ends when its socket has.
        drop(self.socket.shutdown(std::net::Shutdown::Both));
        drop(self.process.wait());
    }
}

/// The partner's side.
pub(crate) fn echo() {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().expect("there are descriptors left");
    let mut socket = UnixStream::from(socket);
    let mut message = [0; MESSAGE];
    while socket.read_exact(&mut message).is_ok() {
        if socket.write_all(&message).is_err() {
            return;
        }
    }
}

/// A program that is started and answers.
pub(crate) fn start(_: &Options) -> Line {
    let begun = Instant::now();
    let partner = Partner::start();
    let first = begun.elapsed();
    let begun = Instant::now();
    drop(partner);
    Line::new().with("first_result_ms", millis(first)).with("close_ms", millis(begun.elapsed()))
}

/// Messages through a socket and back.
pub(crate) fn latency(options: &Options) -> Line {
    let mut partner = Partner::start();
    for _ in 0..20 {
        partner.round();
    }
    let [p50, p99] = percentiles((0..options.n_lat).map(|_| partner.round()).collect());
    Line::new().with("p50_us", p50).with("p99_us", p99).with("n", options.n_lat)
}

/// 8 MB copied into memory that is there already, again and again.
pub(crate) fn copies(options: &Options) -> Line {
    let samples = tasks::samples();
    let mut copy = samples.to_vec();
    let begun = Instant::now();
    for _ in 0..options.payload_items {
        copy.copy_from_slice(black_box(&samples));
        black_box(&mut copy);
    }
    Line::new().with("gb_s", gigabytes_per_second(options.payload_items, begun.elapsed()))
}

/// The slices of an array in memory, summed by threads: the first time, and the median of some more.
pub(crate) fn shared(options: &Options) -> Line {
    let numbers = vec![1.0; options.shared_f64];
    let slices = options.slices(tasks::PARTS);
    let times: Vec<Duration> = (0..6).map(|_| sum_in_threads(&numbers, &slices, options.workers)).collect();
    let line = Line::new().with("first_call_s", times[0].as_secs_f64());
    line.with("warm_call_s", percentiles(times[1..].to_vec())[0] / 1e6)
}

/// How long threads take to sum these slices of ones.
pub(crate) fn sum_in_threads(numbers: &[f64], slices: &[(usize, usize)], n_threads: usize) -> Duration {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let total: f64 = thread::scope(|scope| {
        let work = || {
            let mut total = 0.0;
            while let Some(&(first, len)) = slices.get(next.fetch_add(1, Ordering::Relaxed)) {
                total += tasks::sum(&numbers[first..first + len]);
            }
            total
        };
        let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread fails")).sum()
    });
    let took = begun.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let expected = slices.iter().map(|&(_, len)| len).sum::<usize>() as f64;
    assert_eq!(total, expected);
    took
}

/// The sleeps of the crash case, in threads, without a crash.
pub(crate) fn crash(options: &Options) -> Line {
    let took = sleep_in_threads(tasks::CRASH_ITEMS, options.workers, |item| {
        if item == tasks::CRASHING_ITEM { Duration::ZERO } else { tasks::CRASH_TIME }
    });
    Line::new().with("time_s", took.as_secs_f64())
}

/// The sleeps of the time-out case, in threads, where the endless one ends at its limit.
pub(crate) fn timeout(options: &Options) -> Line {
    let took = sleep_in_threads(tasks::HANG_ITEMS, options.workers, |item| {
        if item == tasks::HANGING_ITEM { tasks::HANG_LIMIT } else { tasks::HANG_TIME }
    });
    Line::new().with("time_s", took.as_secs_f64())
}

fn sleep_in_threads(n_items: u64, n_threads: usize, time_of: impl Fn(u64) -> Duration + Sync) -> Duration {
    let next = AtomicU64::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                while let Some(item) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|item| *item < n_items) {
                    thread::sleep(time_of(item));
                }
            });
        }
    });
    begun.elapsed()
}
