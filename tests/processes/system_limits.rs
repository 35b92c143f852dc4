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
    a_program_that_has_no_free_descriptor_for_a_while_has_its_results_later,
    a_call_that_is_not_permitted_is_named,
    a_wait_that_is_not_permitted_costs_no_result_and_no_core,
    a_path_in_the_memory_map_need_not_be_text,
    a_limit_on_the_address_space_is_an_error_or_none_and_ends_nothing,
    a_limit_on_processes_is_an_error,
    a_program_that_ignores_its_children_or_reaps_all_of_them_has_its_results,
    a_program_in_a_new_pid_namespace_gets_an_error_or_its_results,
    without_proc_a_call_is_an_error_that_names_it,
];

// What the parents do.

/// Plays what its first argument says, under a limit that only ends with the process.
pub(crate) fn be_limited(arguments: &[String]) {
    match arguments[0].as_str() {
        "files" => limit_files(),
        "memory" => limit_memory(arguments),
        "descriptors" => limit_descriptors(),
        "descriptors-for-a-while" => limit_descriptors_for_a_while(),
        "map" => map_an_odd_path(),
        "address-space" => limit_address_space(),
        "processes" => limit_processes(),
        "ignored-children" => ignore_children(),
        "reaped-children" => reap_children(),
        "pid-namespace" => enter_pid_namespace(),
        "no-proc" => hide_proc(),
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

/// Without a free descriptor at the first call, and with many at the second one.
fn limit_descriptors_for_a_while() {
    let before = getrlimit(Resource::Nofile);
    limit(Resource::Nofile, 3, before.maximum);
    println!("{}", describe(call()));
    setrlimit(Resource::Nofile, before).unwrap();
    println!("{}", describe(call()));
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

/// Calls under a limit that leaves more and more room for this process and its workers.
fn limit_address_space() {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    for more in [0, 1, 4, 64, 1024] {
        limit(Resource::As, (pages << 12) + (more << 20), None);
        println!("{}", describe(call()));
        Processes::end_idle_workers();
    }
}

/// As a user who may have no further thread, and then no further process besides a thread.
fn limit_processes() {
    const SOME_USER: u32 = 54_321;
    limit(Resource::Nproc, 1, Some(2));
    // SAFETY: each call takes numbers alone.
    let (group, user) =
        unsafe { (libc::setresgid(SOME_USER, SOME_USER, SOME_USER), libc::setresuid(SOME_USER, SOME_USER, SOME_USER)) };
    assert_eq!((group, user), (0, 0));
    println!("{}", describe(call()));
    limit(Resource::Nproc, 2, Some(2));
    println!("{}", describe(call()));
}

/// Makes calls of whose workers one dies, and ends the others.
fn call_with_a_death() {
    println!("{}", describe(call()));
    let outcome = job(&[1, 2, 3], 2)
        .on_failure(manyhands::OnFailure::Continue)
        .run(|n: &u32| if *n == 2 { std::process::abort() } else { *n });
    let outcome = outcome.unwrap();
    println!("{}, {}", outcome.failures().len(), outcome.tally().succeeded);
    println!("{}", describe(call()));
    Processes::end_idle_workers();
}

fn ignore_children() {
    // SAFETY: no handler is set.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    call_with_a_death();
}

fn reap_children() {
    std::thread::spawn(|| {
        loop {
            // SAFETY: a null status is not written.
            if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } == -1 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    call_with_a_death();
}

fn enter_pid_namespace() {
    // SAFETY: it takes a number; the children of this process get a namespace of their own.
    if unsafe { libc::unshare(libc::CLONE_NEWPID) } == 0 {
        println!("{}", describe(call()));
        println!("{}", describe(call()));
    } else {
        println!("not permitted");
    }
}

/// Puts an empty folder over `/proc`, for this process and its children alone.
fn hide_proc() {
    let none = std::ptr::null();
    // SAFETY: each text ends with a zero, and the others may be null.
    let is_hidden = unsafe {
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(none, c"/".as_ptr(), none, libc::MS_REC | libc::MS_PRIVATE, none.cast()) == 0
            && libc::mount(c"none".as_ptr(), c"/proc".as_ptr(), c"tmpfs".as_ptr(), 0, none.cast()) == 0
    };
    println!("{}", if is_hidden { describe(call()) } else { "not permitted".to_owned() });
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

fn a_program_that_has_no_free_descriptor_for_a_while_has_its_results_later() {
    let lines = lines(&["descriptors-for-a-while"]);
    assert!(lines[0].starts_with("workers: ") && lines[0].contains("/proc/self/"), "{lines:?}");
    assert_eq!(lines[1], "well");
}

fn a_call_that_is_not_permitted_is_named() {
    for call in ["memfd_create", "fallocate", "socketpair", "pipe2", "pidfd_open", "epoll_create1", "eventfd2"] {
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

fn a_limit_on_the_address_space_is_an_error_or_none_and_ends_nothing() {
    let lines = lines(&["address-space"]);
    assert_eq!((lines.len(), lines.last().map(String::as_str)), (5, Some("well")), "{lines:?}");
    let is_typed = |line: &String| ["memory: ", "workers: ", "unsupported: "].iter().any(|kind| line.starts_with(kind));
    assert!(lines.iter().all(|line| line == "well" || is_typed(line)), "{lines:?}");
}

fn a_limit_on_processes_is_an_error() {
    if is_root("a_limit_on_processes_is_an_error") {
        let lines = lines(&["processes"]);
        assert!(lines.iter().all(|line| line.starts_with("workers: ")), "{lines:?}");
        assert!(lines[0].contains("clone: ") && lines[1].contains("/proc/self/exe"), "{lines:?}");
    }
}

fn a_program_that_ignores_its_children_or_reaps_all_of_them_has_its_results() {
    for what in ["ignored-children", "reaped-children"] {
        assert_eq!(lines(&[what]), ["well", "1, 2", "well"], "{what}");
    }
}

fn a_program_in_a_new_pid_namespace_gets_an_error_or_its_results() {
    if is_root("a_program_in_a_new_pid_namespace_gets_an_error_or_its_results") {
        for line in lines(&["pid-namespace"]) {
            assert!(
                line == "well"
                    || line.starts_with("unsupported: ")
                    || line.starts_with("workers: ")
                    || is_skipped(&line),
                "{line}"
            );
        }
    }
}

fn without_proc_a_call_is_an_error_that_names_it() {
    if is_root("without_proc_a_call_is_an_error_that_names_it") {
        let lines = lines(&["no-proc"]);
        let is_named = lines[0].starts_with("unsupported: ") && lines[0].contains("/proc/self");
        assert!(is_named || is_skipped(&lines[0]), "{lines:?}");
    }
}

/// Whether the drill can run.
fn is_root(drill: &str) -> bool {
    let is_root = rustix::process::getuid().is_root();
    if !is_root {
        println!("SKIPPED: {drill} needs root");
    }
    is_root
}

/// Whether the system does not let root do what the drill needs, as in a container.
fn is_skipped(line: &str) -> bool {
    let is_skipped = line == "not permitted";
    if is_skipped {
        println!("SKIPPED: this system permits no namespaces");
    }
    is_skipped
}
