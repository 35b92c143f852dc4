//! Which function a call means: its place in the executable, from a fixed function on.
//!
//! Promises: a worker accepts a place only if it is the same executable, and if what lies there is what a call names: an entry
//! that the compiler has made for a call of this program, or the begin of a function of its code. A place and not a
//! registered name, because every instance of a generic function has one without being listed anywhere.
//!
//! What a worker checks before it calls a place, in this order:
//!
//! | check | what it leaves out |
//! |---|---|
//! | the caller is the parent, of the same user (`startup.rs`), and the same file (`Hello`, once per process) | all other processes |
//! | `serve` comes from an [entry](crate::backend::process::worker::ServeEntry) with this crate's tag, in memory that is mapped from the program's file | all code but the instances of `serve` that the program makes calls with |
//! | the item's function, and the one that makes states, begin at their places | the middle of functions, data, code without a begin |
//! | the instance was compiled for the types that the call names | calls of other types |
//!
//! That a function has the type which its instance of `serve` calls is not checked: machine code does not say its type. The caller
//! vouches for it, whose compiler has checked it; a caller that lies has the rights to run anything in its worker anyway.
//!
//! The addresses themselves differ between the two processes where the system loads programs at random places; the distance
//! from `anchor` does not.
//!
//! A function in a shared library, or in a crate that is built as one, has no place here: its distance from `anchor`
//! differs in each process. Such a call is refused in the caller, before a worker is started.

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

use crate::backend::process::rights::FileRights;
use crate::backend::process::system_call::named;
use crate::sync::{Latest, per_process};

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
    pub(crate) fn of(function: *const (), fingerprint: u64) -> io::Result<Self> {
        program()?.name(function, fingerprint)
    }

    /// The name of a constant of `len` bytes of the running program, at this address.
    ///
    /// # Errors
    /// When it lies outside of what is mapped from the program's file, or what program this is could not be found out.
    pub(crate) fn of_constant(constant: *const (), len: usize, fingerprint: u64) -> io::Result<Self> {
        program()?.name_constant(constant, len, fingerprint)
    }

    /// Where the function of this name lies in the running program.
    ///
    /// # Errors
    /// When no function of the program begins there.
    pub(crate) fn place(&self) -> Result<*const (), String> {
        program().map_err(|error| error.to_string())?.place(self)
    }

    /// Where the constant of this name lies in the running program; all of its `len` bytes can be read.
    ///
    /// # Errors
    /// When a part of it lies outside of what is mapped from the program's file.
    pub(crate) fn place_of_constant(&self, len: usize) -> Result<*const (), String> {
        program().map_err(|error| error.to_string())?.place_of_constant(self, len)
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
    /// The addresses of what else is mapped from its file and can be read: constants, and variables at their first values.
    data: Vec<Range<usize>>,
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
    /// Of the kind `Unsupported` when `/proc` is not mounted, and when no executable mapping holds this crate's code; with the
    /// system's kind when no descriptor or no memory is free.
    pub(crate) fn running() -> io::Result<Self> {
        let file = named("/proc/self/exe", fs::metadata("/proc/self/exe")).map_err(of_proc)?;
        let maps = named("/proc/self/maps", fs::read("/proc/self/maps")).map_err(of_proc)?;
        // Paths in it need not be UTF-8; the addresses are.
        let maps = String::from_utf8_lossy(&maps);
        let (text, data) = segments_around(anchor_address(), &maps).ok_or_else(|| {
            let text = "this crate's code was not found in the running program's; is it in a library of its own?";
            io::Error::new(io::ErrorKind::Unsupported, text)
        })?;
        let executable = Executable {
            device: file.dev(),
            inode: file.ino(),
            len: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            text_len: text.len() as u64,
        };
        Ok(Self { executable, rights: FileRights::of("/proc/self/exe", &file), text, data })
    }

    /// The name of the function at this address.
    ///
    /// # Errors
    /// When it lies outside of the program's code, in a shared library for instance.
    fn name(&self, function: *const (), fingerprint: u64) -> io::Result<FunctionName> {
        let address = function.addr();
        if !self.text.contains(&address) {
            return Err(outside_of_program());
        }
        let offset = address.wrapping_sub(anchor_address()).cast_signed() as i64;
        Ok(FunctionName { offset, fingerprint })
    }

    /// The name of the constant at this address.
    fn name_constant(&self, constant: *const (), len: usize, fingerprint: u64) -> io::Result<FunctionName> {
        if !self.has_constant(constant.addr(), len) {
            return Err(outside_of_program());
        }
        let offset = constant.addr().wrapping_sub(anchor_address()).cast_signed() as i64;
        Ok(FunctionName { offset, fingerprint })
    }

    /// The address of the function with this name. Costs some ten nanoseconds for the look into the table of functions.
    fn place(&self, name: &FunctionName) -> Result<*const (), String> {
        let place = place(name)?;
        if !self.text.contains(&place.addr()) {
            return Err("the function lies outside of this program's code".to_owned());
        }
        if !begins_function(place) {
            return Err("no function of this program begins at the place".to_owned());
        }
        Ok(place)
    }

    /// The address of the constant with this name.
    fn place_of_constant(&self, name: &FunctionName, len: usize) -> Result<*const (), String> {
        let place = place(name)?;
        if !self.has_constant(place.addr(), len) {
            return Err("the place lies outside of this program's constants".to_owned());
        }
        Ok(place)
    }

    /// Whether these bytes are mapped from the program's file, can be read and are no code.
    fn has_constant(&self, address: usize, len: usize) -> bool {
        let holds = |data: &Range<usize>| data.start <= address && len <= data.end.saturating_sub(address);
        self.data.iter().any(holds)
    }
}

/// The address that a name stands for, wherever that is.
fn place(name: &FunctionName) -> Result<*const (), String> {
    let offset = isize::try_from(name.offset).map_err(|error| error.to_string())?;
    Ok((anchor as fn() as *const u8).wrapping_offset(offset).cast())
}

/// Whether a function begins at this address, by the table that panics are unwound with.
///
/// True for all of a program that was built without this table, and on ARM with 32 bits, where the look-up does not tell.
fn begins_function(place: *const ()) -> bool {
    let knows_functions = begin_of_function(anchor as fn() as *const ()) == Some(anchor_address());
    !knows_functions || begin_of_function(place) == Some(place.addr())
}

/// Where the function begins that the byte at this address belongs to.
fn begin_of_function(place: *const ()) -> Option<usize> {
    if cfg!(target_arch = "arm") {
        return None;
    }
    // SAFETY: the function looks the address up in tables, and reads nothing at it. It asks for the function that a call returns to,
    // so for the one before the address that it is given.
    let begin = unsafe { _Unwind_FindEnclosingFunction(place.wrapping_byte_add(1).cast_mut().cast()) };
    (!begin.is_null()).then(|| begin.addr())
}

// SAFETY: the unwinder that std links declares it so.
unsafe extern "C" {
    fn _Unwind_FindEnclosingFunction(pc: *mut libc::c_void) -> *mut libc::c_void;
}

/// Why a function has no name.
fn outside_of_program() -> io::Error {
    let text = "the function lies outside of the running program, where workers cannot find it";
    io::Error::new(io::ErrorKind::Unsupported, text)
}

per_process! {
    /// The running program, once it is found out.
    static PROGRAM: Latest<Program> = Latest::new();
}

/// The running program. It is found out at the first use that succeeds.
///
/// # Errors
/// Those of [`Program::running`]. They are not kept: a file that cannot be opened now may be readable later.
pub(in crate::backend::process) fn program() -> io::Result<&'static Program> {
    if let Some(program) = PROGRAM.load() {
        return Ok(program);
    }
    // Two threads that come first find out the same; each leaks what it found, some hundred bytes.
    let program = Box::leak(Box::new(Program::running()?));
    PROGRAM.store(program);
    Ok(program)
}

/// The same error, as one of the system where there is no such file: then `/proc` is not there.
fn of_proc(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::NotFound {
        io::Error::new(io::ErrorKind::Unsupported, error.to_string())
    } else {
        error
    }
}

/// The executable mapping that holds this address, and the others of its file that can be read, in the text of
/// `/proc/self/maps`.
fn segments_around(address: usize, maps: &str) -> Option<(Range<usize>, Vec<Range<usize>>)> {
    let segments: Vec<Segment<'_>> = maps.lines().filter_map(Segment::read).collect();
    let is_code = |segment: &&Segment<'_>| segment.access.contains('x');
    let text = segments.iter().filter(is_code).find(|segment| segment.range.contains(&address))?;
    let is_data =
        |segment: &&Segment<'_>| segment.file == text.file && !is_code(segment) && segment.access.contains('r');
    Some((text.range.clone(), segments.iter().filter(is_data).map(|segment| segment.range.clone()).collect()))
}

/// One line of `/proc/self/maps`.
struct Segment<'m> {
    range: Range<usize>,
    access: &'m str,
    /// Device and inode.
    file: (&'m str, &'m str),
}

impl<'m> Segment<'m> {
    fn read(line: &'m str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        let (access, _offset) = (words.next()?, words.next()?);
        Some(Self { range, access, file: (words.next()?, words.next()?) })
    }
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
            let name = FunctionName { offset, fingerprint: 0 };
            assert!(name.place().is_err() && name.place_of_constant(1).is_err());
        }
        let heap = Box::new(0_u8);
        assert!(FunctionName::of(std::ptr::from_ref(&*heap).cast(), 0).is_err());
    }

    #[test]
    fn the_middle_of_a_function_is_no_place_of_one() {
        for distance in 1..4 {
            let name = FunctionName::of(address().wrapping_byte_add(distance), 7).unwrap();
            assert!(name.place().unwrap_err().contains("begins"), "{distance} bytes into it");
        }
    }

    #[test]
    fn a_constant_is_found_again_by_its_name_and_nothing_else_is_one() {
        const LEN: usize = size_of::<[u64; 2]>();
        static CONSTANT: [u64; 2] = [7, 8];
        let name = FunctionName::of_constant((&raw const CONSTANT).cast(), LEN, 7).unwrap();
        assert_eq!(name.place_of_constant(LEN).unwrap(), (&raw const CONSTANT).cast());
        assert!(name.place().is_err(), "a constant is no function");
        assert!(name.place_of_constant(usize::MAX).is_err() && name.place_of_constant(1 << 40).is_err());
        assert!(FunctionName::of(address(), 7).unwrap().place_of_constant(LEN).is_err(), "a function is no constant");
        let heap = Box::new([7_u64; 2]);
        assert!(FunctionName::of_constant(std::ptr::from_ref(&*heap).cast(), LEN, 7).is_err());
    }

    #[test]
    fn code_and_data_of_the_program_are_read_from_the_maps() {
        let maps = "1000-2000 r--p 0 08:01 7 /bin/x\n2000-3000 r-xp 1000 08:01 7 /bin/x\n3000-3800 rw-p 2000 08:01 7 /bin/x\n3800-4000 rw-p 0 0:0 0\n\
                    4000-5000 r--p 0 08:01 8 /lib/y\n5000-6000 r-xp 0 08:01 8 /lib/y\n";
        assert_eq!(segments_around(0x2abc, maps), Some((0x2000..0x3000, vec![0x1000..0x2000, 0x3000..0x3800])));
        assert_eq!(segments_around(0x1abc, maps), None);
    }

    #[test]
    fn fingerprints_tell_types_apart() {
        assert_ne!(fingerprint::<(u32, f64)>(), fingerprint::<(u32, f32)>());
    }
}
