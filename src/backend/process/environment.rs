//! The environment of this process as one number.
//!
//! Promise: reads no memory that another thread may free or give back meanwhile.
//!
//! Only std knows the lock under which Rust code changes the environment, and std copies each variable twice to list
//! them, which takes as long as the rest of a small call. But the kernel's own block is never given back: the array and
//! the strings that a program starts with, at the begin of its stack. `setenv` replaces words of that array, or the whole
//! array by another one, and writes no string of the block. So as long as the environment is this array, and each of its words points into
//! the block, it is read in place: a variable that was removed is missing, and one that was set anew lies elsewhere. In all other
//! cases std lists them.

use std::ffi::{CStr, OsString, c_char};
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

use foldhash::fast::{FixedState, FoldHasher};

use crate::sync::{AtomicPtr, Ordering, per_process};

// SAFETY: POSIX declares it so: an array of C strings with a null at its end, or null.
unsafe extern "C" {
    static mut environ: *mut *mut c_char;
}

per_process! {
    /// Where this process's first environment lies; `None` where the system does not say.
    static FIRST: Option<FirstEnvironment> = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| FirstEnvironment::from_stat(&stat));
}

/// The addresses of what the kernel has made at the start of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FirstEnvironment {
    /// From the arguments' number on: their array, and behind it that of the variables.
    arrays: Range<usize>,
    /// The variables.
    strings: Range<usize>,
}

/// A number that differs for different variables, or another order of them, with near certainty.
///
/// Costs 10 ns for each variable while the program has set none itself, and 0.1 µs afterwards.
pub(super) fn fingerprint() -> u64 {
    let in_place = FIRST.as_ref().and_then(FirstEnvironment::fingerprint);
    in_place.unwrap_or_else(listed_by_std)
}

/// The number, and the variables for which it stands.
///
/// Other threads may set variables meanwhile, so it is taken again until it is the same before and after; in the end it is
/// one of what was copied.
pub(super) fn copy() -> (u64, Vec<(OsString, OsString)>) {
    for _ in 0..8 {
        let (before, variables) = (fingerprint(), std::env::vars_os().collect());
        if fingerprint() == before {
            return (before, variables);
        }
    }
    let variables: Vec<_> = std::env::vars_os().collect();
    (number_of(variables.iter().cloned()), variables)
}

/// The same as in place, of copies.
fn listed_by_std() -> u64 {
    number_of(std::env::vars_os())
}

fn number_of(variables: impl Iterator<Item = (OsString, OsString)>) -> u64 {
    let (mut hasher, mut text) = (FixedState::default().build_hasher(), Vec::new());
    for (name, value) in variables {
        text.clear();
        text.extend([name.as_bytes(), b"=", value.as_bytes(), b"\0"].into_iter().flatten());
        hasher.write(&text);
    }
    hasher.finish()
}

impl FirstEnvironment {
    /// From the numbers 28, 48, 50 and 51 of the file: where the arrays begin, the arguments, the variables, and their end.
    ///
    /// The name of the program, in parentheses, may hold anything.
    fn from_stat(stat: &str) -> Option<Self> {
        let (_, numbers) = stat.rsplit_once(')')?;
        let numbers: Vec<&str> = numbers.split_ascii_whitespace().collect(); // from the third on
        let number = |at: usize| numbers.get(at - 3)?.parse().ok().filter(|&number: &usize| number > 0);
        Some(Self { arrays: number(28)?..number(48)?, strings: number(50)?..number(51)? })
    }

    /// The number for the variables, if the environment is still the array of the start, and all of its variables are.
    fn fingerprint(&self) -> Option<u64> {
        let mut hasher: FoldHasher<'_> = FixedState::default().build_hasher();
        // SAFETY: the C library defines the word, aligned, for the life of the program.
        let mut word = unsafe { AtomicPtr::from_ptr(&raw mut environ) }.load(Ordering::Relaxed);
        loop {
            if !self.arrays.contains(&word.addr()) || !word.is_aligned() {
                return None;
            }
            // SAFETY: the word lies between the arrays' begin and the arguments, which the kernel has put on the stack before the program
            // began, and which stay mapped and readable as long as it runs. Words are changed as a whole.
            let variable = unsafe { AtomicPtr::from_ptr(word) }.load(Ordering::Relaxed);
            if variable.is_null() {
                return Some(hasher.finish());
            }
            if !self.strings.contains(&variable.addr()) {
                return None;
            }
            // SAFETY: a string of the kernel's block, which ends with a zero; nothing gives the block back, and the C library
            // writes to no string in it.
            hasher.write(unsafe { CStr::from_ptr(variable) }.to_bytes_with_nul());
            word = word.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_reading_give_the_same_number() {
        let first = FIRST.as_ref().expect("/proc/self/stat");
        // A test before this one may have set a variable.
        if let Some(in_place) = first.fingerprint() {
            assert_eq!(in_place, listed_by_std());
        }
        assert_eq!(fingerprint(), fingerprint());
    }

    #[test]
    fn the_first_environment_is_found_behind_any_name_of_a_program() {
        let numbers: Vec<String> = (4..53).map(|number| number.to_string()).collect();
        let stat = format!("17 (a) b (c)) R {}", numbers.join(" "));
        let found = FirstEnvironment::from_stat(&stat);
        assert_eq!(found, Some(FirstEnvironment { arrays: 28..48, strings: 50..51 }));
        assert_eq!(FirstEnvironment::from_stat(&stat.replace(" 50 ", " 0 ")), None, "not permitted");
        assert_eq!(FirstEnvironment::from_stat("17 (a) R 4"), None);
    }
}
