//! Which function a call means: its place in the executable, from a fixed function on.
//!
//! Promises: a worker accepts a place only if it is the same executable, if the place lies in the program's code, and
//! if the function there is for the same types. A place and not a registered name, because every instance of a generic
//! function has one without being listed anywhere.
//!
//! What a worker checks before it calls a place, in this order: the executable is the same file (`Hello`, once per
//! process); the place lies in the mapping that holds this crate's code; the instance of `serve` found there was
//! compiled for the same types. The addresses themselves differ between the two processes where the system loads
//! programs at random places; the distance from `anchor` does not.
//!
//! A function in a shared library, or in a crate that is built as one, has no place here: its distance from `anchor`
//! differs in each process. Such a call is refused in the caller, before a worker is started.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

use crate::backend::process::rights::FileRights;
use crate::sync::LazyLock;

/// A function, as it travels: its place in the executable that both sides run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FunctionName {
    /// From [`anchor`] on, in bytes.
    offset: i64,
    /// Of the types of function, item, result and error.
    fingerprint: u64,
}

impl FunctionName {
    /// The name of the function at this address, of the running program.
    ///
    /// # Errors
    /// When it lies outside of the program's code, or what program this is could not be found out.
    pub(crate) fn of(function: *const (), fingerprint: u64) -> Result<Self, String> {
        PROGRAM.as_ref().map_err(String::clone)?.name(function, fingerprint)
    }

    /// Where the function of this name lies in the running program.
    pub(crate) fn place(&self) -> Result<*const (), String> {
        PROGRAM.as_ref().map_err(String::clone)?.place(self)
    }

    /// Whether the function at the place is for the types that were meant.
    ///
    /// Near certainty, and no proof: two different names of types may have one hash. It guards against a mistake in
    /// this crate; the check of the executable is what a call relies on.
    pub(crate) fn has_fingerprint(&self, found: u64) -> bool {
        self.fingerprint == found
    }
}

/// Identifies an executable by the file that is running. The file cannot be written to while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Executable {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    text_len: u64,
}

/// The running program: which one it is, and where its code lies in memory.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Which program it is.
    pub(crate) executable: Executable,
    /// What rights its file gives.
    pub(in crate::backend::process) rights: FileRights,
    /// The addresses of its code.
    text: Range<usize>,
}

/// Places are counted from here: a function of this crate, so it lies in the same executable as the program's
/// functions.
fn anchor() {
    std::hint::black_box(());
}

fn anchor_address() -> usize {
    (anchor as fn() as *const ()).addr()
}

impl Program {
    /// Finds out which program is running, from `/proc/self`.
    ///
    /// Reads `/proc/self/exe` and `/proc/self/maps`, once per process.
    ///
    /// # Errors
    /// When `/proc` is not mounted or not readable, and when no executable mapping holds this crate's code.
    pub(crate) fn running() -> io::Result<Self> {
        let file = fs::metadata("/proc/self/exe")?;
        let text = text_around(anchor_address(), &fs::read_to_string("/proc/self/maps")?).ok_or_else(|| {
            io::Error::other("this crate's code was not found in the running program's; is it in a library of its own?")
        })?;
        let executable = Executable {
            device: file.dev(),
            inode: file.ino(),
            len: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            text_len: text.len() as u64,
        };
        Ok(Self { executable, rights: FileRights::of("/proc/self/exe", &file), text })
    }

    /// The name of the function at this address.
    ///
    /// # Errors
    /// When it lies outside of the program's code, in a shared library for instance.
    fn name(&self, function: *const (), fingerprint: u64) -> Result<FunctionName, String> {
        let address = function.addr();
        if !self.text.contains(&address) {
            return Err("the function lies outside of the running program, where workers cannot find it".to_owned());
        }
        let offset = address.wrapping_sub(anchor_address()).cast_signed() as i64;
        Ok(FunctionName { offset, fingerprint })
    }

    /// The address for a name. The caller must compare the fingerprint with that of the function found there.
    fn place(&self, name: &FunctionName) -> Result<*const (), String> {
        let offset = isize::try_from(name.offset).map_err(|error| error.to_string())?;
        let place = (anchor as fn() as *const u8).wrapping_offset(offset);
        if !self.text.contains(&place.addr()) {
            return Err("the function lies outside of this program's code".to_owned());
        }
        Ok(place.cast())
    }
}

/// The running program, found out once.
pub(crate) static PROGRAM: LazyLock<Result<Program, String>> =
    LazyLock::new(|| Program::running().map_err(|error| error.to_string()));

/// The executable mapping that holds this address, in the text of `/proc/self/maps`.
fn text_around(address: usize, maps: &str) -> Option<Range<usize>> {
    maps.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        (words.next()?.contains('x') && range.contains(&address)).then_some(range)
    })
}

/// A number that differs for different types with near certainty: FNV-1a over the compiler's name of the type.
///
/// Costs a pass over the name, some hundred bytes, for each function that a call names. The name has the paths of the
/// types, and no lifetimes.
pub(crate) fn fingerprint<K: ?Sized>() -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    std::any::type_name::<K>().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_function() {
        std::hint::black_box(7);
    }

    fn address() -> *const () {
        some_function as fn() as *const ()
    }

    #[test]
    fn a_function_is_found_again_by_its_name() {
        let name = FunctionName::of(address(), 7).unwrap();
        assert_eq!(name.place().unwrap(), address());
        assert!(name.has_fingerprint(7) && !name.has_fingerprint(8));
    }

    #[test]
    fn a_place_outside_of_this_programs_code_is_refused() {
        for offset in [i64::MAX, i64::MIN, 1 << 40] {
            assert!(FunctionName { offset, fingerprint: 0 }.place().is_err());
        }
        let heap = Box::new(0_u8);
        assert!(FunctionName::of(std::ptr::from_ref(&*heap).cast(), 0).is_err());
    }

    #[test]
    fn the_code_around_an_address_is_read_from_the_maps() {
        let maps = "1000-2000 r--p 0 08:01 7 /bin/x\n2000-3000 r-xp 1000 08:01 7 /bin/x\n3000-4000 rw-p 0 0:0 0\n";
        assert_eq!(text_around(0x2abc, maps), Some(0x2000..0x3000));
        assert_eq!(text_around(0x1abc, maps), None);
    }

    #[test]
    fn fingerprints_tell_types_apart() {
        assert_ne!(fingerprint::<(u32, f64)>(), fingerprint::<(u32, f32)>());
    }
}
