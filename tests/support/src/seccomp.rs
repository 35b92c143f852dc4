//! A system that does not permit a call, as containers and batch systems set it up.

use std::io::Error;

/// Makes the call of this number fail with this error, in the calling process and all that it starts, for good.
///
/// # Panics
/// Where the system has no filters.
fn deny(syscall: i64, errno: i32) {
    let statement = |code: u32, jt, jf, k| libc::sock_filter { code: u16::try_from(code).unwrap(), jt, jf, k };
    let mut filter = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0), // the number of the call is the first word
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, u32::try_from(syscall).unwrap()),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | u32::try_from(errno).unwrap()),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: u16::try_from(filter.len()).unwrap(), filter: filter.as_mut_ptr() };
    // SAFETY: both calls take plain numbers, and the second a program that outlives it.
    let installed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    assert!(installed, "no filter of system calls: {}", Error::last_os_error());
}

/// The numbers of calls that the tests deny.
pub const CALLS: [(&str, i64); 10] = [
    ("memfd_create", libc::SYS_memfd_create),
    ("fallocate", libc::SYS_fallocate),
    ("socketpair", libc::SYS_socketpair),
    ("pipe2", libc::SYS_pipe2),
    ("pidfd_open", libc::SYS_pidfd_open),
    ("mmap", libc::SYS_mmap),
    ("clone3", libc::SYS_clone3),
    ("ppoll", libc::SYS_ppoll),
    ("epoll_create1", libc::SYS_epoll_create1),
    ("eventfd2", libc::SYS_eventfd2),
];

/// The errors of a call that is not permitted, and of one that the system does not have.
pub const ERRORS: [i32; 2] = [libc::EPERM, libc::ENOSYS];

/// Makes the call of this name fail with this error, in the calling process and all that it starts, for good.
pub fn deny_by_name(name: &str, errno: i32) {
    let (_, number) = CALLS.iter().find(|(known, _)| *known == name).expect("the call is known");
    deny(*number, errno);
}
