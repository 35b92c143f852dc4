//! Systems that give less than is asked for: limits on files, memory and descriptors, and calls that are not permitted.
//! Each is a typed error that names what is missing, or costs nothing but time.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use manyhands::{Error, Processes, SharedSlice};
use manyhands_test_support::seccomp::{ERRORS, deny_by_name};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::fixtures::job;
use crate::harness::drills;
use crate::parents::{Parent, command};

drills![
    shared_memory_above_the_limit_on_files_is_an_error,
    the_stricter_one_of_two_memory_limits_holds,
    fewer_descriptors_than_are_open_cost_no_result_and_no_core,
    a_call_that_is_not_permitted_is_named,
    a_wait_that_is_not_permitted_costs_no_result_and_no_core,
    a_path_in_the_memory_map_need_not_be_text,
];

// What the parents do.

/// Plays what its first argument says, under a limit that only ends with the process.
pub(crate) fn be_limited(arguments: &[String]) {
    match arguments[0].as_str() {
        "files" => limit_files(),
        "memory" => limit_memory(arguments),
        "descriptors" => limit_descriptors(),
        "map" => map_an_odd_path(),
        call => deny(call, arguments[1].parse().unwrap()),
    }
}

fn limit(resource: Resource, current: u64, maximum: Option<u64>) {
    setrlimit(resource, Rlimit { current: Some(current), maximum }).unwrap();
}

fn describe<V>(result: Result<V, Error>) -> String {
    match result {
        Ok(_) => "well".to_owned(),
        Err(error) if error.is_memory() => format!("memory: {error}"),
        Err(error) if error.is_unsupported() => format!("unsupported: {error}"),
        Err(error) if error.is_workers() => format!("workers: {error}"),
        Err(error) => format!("another: {error}"),
    }
}

fn call() -> Result<Vec<u32>, Error> {
    job(&[1, 2, 3], 2).run(|n: &u32| n + 1)?.into_result()
}

fn limit_files() {
    limit(Resource::Fsize, 1 << 20, Some(1 << 20));
    println!("{}", describe(SharedSlice::copy_of(&vec![1_u8; 4 << 20])));
    println!("{}", describe(SharedSlice::filled_by(4 << 20, |bytes: &mut [u8]| bytes.fill(1))));
    let items = vec![vec![7_u8; 3 << 20]; 4];
    println!("{}", describe(job(&items, 2).run(Vec::clone).and_then(|outcome| outcome.into_result())));
    let shared = vec![7_u8; 3 << 20];
    println!("{}", describe(job(&[0_usize], 1).shared(&shared).run(|shared: &Vec<u8>, n: &usize| shared[*n])));
}

/// The soft limit on memory that workers have without a limit of the call, with a higher one, with a lower one, and
/// without one again. Its second and third argument are the soft and the hard limit.
fn limit_memory(arguments: &[String]) {
    let maximum = arguments.get(2).map(|bytes| bytes.parse().unwrap());
    limit(Resource::Data, arguments[1].parse().unwrap(), maximum);
    let modes = [None, Some(3 << 30), Some(500 << 20), None];
    let modes = modes.map(|bytes| bytes.map_or(Processes::new(), |bytes| Processes::new().memory_limit(bytes)));
    for mode in modes {
        let limits = job(&[()], 1).mode(mode).run(|()| getrlimit(Resource::Data).current).unwrap();
        println!("{:?}", limits.into_result().unwrap());
    }
}

/// The CPU time of this process.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// A call that waits for its items; prints how it ended, and whether the wait used a core.
fn wait_for_items() {
    let (begun, used) = (Instant::now(), cpu_time());
    let items = [400_u64; 8];
    let outcome = job(&items, 8).chunk_size(1).run(|n: &u64| std::thread::sleep(Duration::from_millis(*n)));
    let (took, used) = (begun.elapsed(), cpu_time() - used);
    println!("{}, {}", describe(outcome.and_then(|outcome| outcome.into_result())), used < took / 2);
}

fn limit_descriptors() {
    let outcome = job(&[10_u64; 8], 8).chunk_size(1).run(|n: &u64| std::thread::sleep(Duration::from_millis(*n)));
    assert_eq!(outcome.unwrap().tally().workers, 8);
    limit(Resource::Nofile, 10, Some(10));
    wait_for_items();
    println!("{}", Processes::end_idle_workers());
}

fn map_an_odd_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(OsStr::from_bytes(b"caf\xe9"));
    std::fs::write(&path, [0; 4096]).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let (protection, flags) = (rustix::mm::ProtFlags::READ, rustix::mm::MapFlags::PRIVATE);
    // SAFETY: a new mapping, which is never used.
    unsafe { rustix::mm::mmap(std::ptr::null_mut(), 4096, protection, flags, &file, 0) }.unwrap();
    assert!(std::fs::read_to_string("/proc/self/maps").is_err(), "the map is no text");
    println!("{}", describe(call()));
}

/// Denies a call of the system; the call of this crate comes after it.
fn deny(name: &str, errno: i32) {
    deny_by_name(name, errno);
    match name {
        "ppoll" => wait_for_items(),
        "memfd_create" | "fallocate" => {
            println!("{}", describe(call()));
            println!("{}", describe(SharedSlice::copy_of(&[1_u8; 100])));
        }
        _ => println!("{}", describe(call())),
    }
}

// What the drills do.

fn lines(arguments: &[&str]) -> Vec<String> {
    let parent = Parent::start(command("limited", arguments));
    let (exit, said, stderr) = parent.end();
    assert!(exit.is_success(), "{arguments:?}: {exit}, and said {said:?} and on stderr {stderr:?}");
    said.lines().map(str::to_owned).collect()
}

fn shared_memory_above_the_limit_on_files_is_an_error() {
    let lines = lines(&["files"]);
    for at in [0, 1, 3] {
        assert!(lines[at].starts_with("memory: ") && lines[at].contains("RLIMIT_FSIZE"), "{lines:?}");
    }
    assert_eq!(lines[2], "well", "large items travel as bytes");
}

fn the_stricter_one_of_two_memory_limits_holds() {
    let gib: u64 = 1 << 30;
    let [soft, low] = [gib, 500 << 20].map(|bytes: u64| format!("[Some({bytes})]"));
    let expected = [&soft, &soft, &low, &soft].map(Clone::clone);
    assert_eq!(lines(&["memory", &gib.to_string()]), expected);
    assert_eq!(lines(&["memory", &gib.to_string(), &gib.to_string()]), expected);
}

fn fewer_descriptors_than_are_open_cost_no_result_and_no_core() {
    assert_eq!(lines(&["descriptors"]), ["well, true", "8"]);
}

fn a_call_that_is_not_permitted_is_named() {
    for call in ["memfd_create", "fallocate", "socketpair", "pipe2", "pidfd_open"] {
        for errno in ERRORS {
            let lines = lines(&[call, &errno.to_string()]);
            let is_named = |line: &String| line.starts_with("unsupported: ") && line.contains(&format!("{call}: "));
            assert!(lines.iter().all(is_named), "{call}, {errno}: {lines:?}");
        }
    }
    let lines = lines(&["clone3", &ERRORS[0].to_string()]);
    assert!(lines[0].starts_with("unsupported: ") && lines[0].contains("clone: "), "{lines:?}");
}

fn a_wait_that_is_not_permitted_costs_no_result_and_no_core() {
    assert_eq!(lines(&["ppoll", &ERRORS[0].to_string()]), ["well, true"]);
}

fn a_path_in_the_memory_map_need_not_be_text() {
    assert_eq!(lines(&["map"]), ["well"]);
}
