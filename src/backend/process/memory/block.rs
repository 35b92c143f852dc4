//! One block of shared memory and its name: slices look at it, and it travels to workers as a descriptor.
//!
//! Promises: a block never changes once it exists; it is found by its name as long as this process has it, and leaves
//! no descriptor, mapping or name behind. Knows neither types nor frames.
//!
//! The life of a block:
//!
//! 1. `copy_of` or `filled_by` reserves memory, puts the bytes there, seals it, and maps it for reading.
//! 2. A value that mentions the block is encoded; `wire/attachments.rs` notes the block, and `wire/connection.rs` sends
//!    a duplicate of its descriptor, once per worker.
//! 3. The worker adopts it: it checks the seal and the length, and maps it. From then on a view is a name and three
//!    numbers.
//! 4. The last `Arc` of a process drops: the mapping, the descriptor and the name are gone in that process. The memory
//!    is freed with the last process that has it.
//!
//! Costs: six system calls for a copy of up to 1 MiB and one more for each further MiB, which is reserved by the piece;
//! eight for one that is filled in place. Memory is whole pages. Dropping costs two system calls and the registry's
//! lock.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Weak};

use serde::{Deserialize, Serialize};

use crate::backend::process::memory::available;
use crate::backend::process::memory::segment::{Access, Mapping, SegmentFile};
use crate::sync::{Mutex, global};

/// The name of such memory in the kernel's lists of mappings and open files.
const NAME: &str = "manyhands-slice";

/// Sealed memory, mapped for reading.
///
/// Always in an `Arc`: slices, attachments and tables of received blocks count references to one mapping, so a process
/// maps a block once.
#[derive(Debug)]
pub(crate) struct Block {
    /// Its name in all processes.
    id: BlockId,
    /// What travels to other processes. Sealed.
    ///
    /// Stays open as long as the block, one descriptor for each, because a worker that starts later must get it too.
    file: SegmentFile,
    /// Where this process reads it.
    mapping: Mapping,
}

/// The name of a block, unique among all processes of this program: the id of the process that made the block in the
/// upper half, and a count in the lower.
///
/// In a message it is a word and grants nothing: it is looked up among blocks that came as descriptors, and those of
/// this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct BlockId(u64);

impl BlockId {
    /// The word for a frame's header.
    pub(crate) fn to_word(self) -> u64 {
        self.0
    }

    /// The id in a frame's header.
    pub(crate) fn from_word(word: u64) -> Self {
        Self(word)
    }
}

impl Block {
    /// A block that holds a copy of these bytes.
    ///
    /// The bytes are written to the file: copying through a mapping takes 1.5 to 1.7 times as long for 800 MB and 2.4
    /// times for 100 KB, since each page is cleared before it is filled. Reserving the memory first costs at most 3
    /// percent.
    ///
    /// # Errors
    /// When the memory is not available, or the process has no free descriptor. Then nothing is left of the block.
    pub(crate) fn copy_of(bytes: &[u8]) -> io::Result<Arc<Self>> {
        available::check(bytes.len())?;
        let file = SegmentFile::create(NAME, bytes.len())?;
        file.file().write_all_at(bytes, 0)?;
        file.seal()?;
        Self::register(BlockId::fresh(), file)
    }

    /// A block of zeros that `fill` changes in place.
    ///
    /// The memory is reserved first, which makes it 1.1 times as fast as pages that come when they are touched; mapping
    /// them all at once gains nothing.
    ///
    /// While `fill` runs, children that this process forks do not get the mapping; one that forked in the moment before
    /// that costs a copy of the block, in `sealed`.
    ///
    /// # Errors
    /// As for `copy_of`. A panic of `fill` passes through, and the memory is freed.
    pub(crate) fn filled_by(len: usize, fill: impl FnOnce(&mut [u8])) -> io::Result<Arc<Self>> {
        available::check(len)?;
        let file = SegmentFile::create(NAME, len)?;
        let mapping = file.map(Access::ReadWrite)?;
        mapping.keep_from_forks()?;
        // SAFETY: the mapping is this long, zeros are bytes, and no other code has the file or this mapping of it yet.
        fill(unsafe { std::slice::from_raw_parts_mut(mapping.start().as_ptr(), mapping.len()) });
        drop(mapping); // what is mapped for writing cannot be sealed
        Self::register(BlockId::fresh(), sealed(file)?)
    }

    /// A block that another process made, or the one that this process has already if it is the same memory.
    ///
    /// Called for each `Block` frame, on both sides: a worker that returns a slice of the caller's sends the block
    /// along, and the caller recognizes its own memory and maps nothing.
    ///
    /// # Errors
    /// When it is not sealed, not `len` bytes long, or cannot be mapped.
    pub(crate) fn adopt(id: BlockId, fd: OwnedFd, len: usize) -> io::Result<Arc<Self>> {
        let file = SegmentFile::adopt(fd, len)?;
        if !file.is_sealed()? {
            return Err(io::Error::other(format!("{id} came without its seal, so it could change under its readers")));
        }
        match find_alive(id) {
            // Process ids are used again in the end, so a name alone is no proof.
            Some(block) if block.file.is_same(&file)? => Ok(block),
            _ => Self::register(id, file),
        }
    }

    /// Maps the file, and makes the block findable by its name.
    ///
    /// A block of the same name that is alive here, but is other memory, loses its place in the registry and stays
    /// valid for those that have it.
    fn register(id: BlockId, file: SegmentFile) -> io::Result<Arc<Self>> {
        let mapping = file.map(Access::Read)?;
        let block = Arc::new(Self { id, file, mapping });
        REGISTRY.lock().alive.insert(id, Arc::downgrade(&block));
        Ok(block)
    }

    /// Its name.
    pub(crate) fn id(&self) -> BlockId {
        self.id
    }

    /// Its file, to send to another process.
    pub(crate) fn file(&self) -> &SegmentFile {
        &self.file
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is this long and lives as long as the block. The file is sealed, so no process can
        // write to it, and its length is fixed, so every page of the mapping stays readable.
        unsafe { std::slice::from_raw_parts(self.mapping.start().as_ptr(), self.mapping.len()) }
    }
}

/// The same content, sealed. A child that was forked between the mapping and `keep_from_forks` has the file mapped too,
/// until it becomes another program, and a file that is mapped for writing cannot be sealed. Then a copy is sealed:
/// slow, but rare.
///
/// # Errors
/// When there is no memory for the copy.
fn sealed(file: SegmentFile) -> io::Result<SegmentFile> {
    match file.seal() {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            available::check(file.len())?;
            let copy = SegmentFile::create(NAME, file.len())?;
            io::copy(&mut file.file(), &mut copy.file())?;
            copy.seal()?;
            Ok(copy)
        }
        done => done.map(|()| file),
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut registry = REGISTRY.lock();
        // A later block of the same name may stand there.
        if registry.alive.get(&self.id).is_some_and(|there| std::ptr::eq(there.as_ptr(), self)) {
            registry.alive.remove(&self.id);
        }
    }
}

global! {
    /// The blocks of this process. No block is dropped while the lock is held, since dropping one takes the lock.
    static REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());
}

/// The blocks that this process has.
struct Registry {
    /// Weak, so that the registry keeps no block alive. A dropped block removes itself.
    ///
    /// One entry per block of the process, its own and adopted ones, so it never grows beyond what is alive.
    alive: HashMap<BlockId, Weak<Block>>,
    /// The count in the last name that was made. Wraps around.
    n_made: u32,
}

impl Registry {
    /// Counts from a random number on, so that a process with the id of a dead one does not repeat its names.
    fn new() -> Self {
        Self { alive: HashMap::new(), n_made: RandomState::new().hash_one(()) as u32 }
    }
}

impl BlockId {
    /// A name that no other block has. The process id is read each time, since a forked process continues the count.
    fn fresh() -> Self {
        let mut registry = REGISTRY.lock();
        registry.n_made = registry.n_made.wrapping_add(1);
        Self(u64::from(std::process::id()) << 32 | u64::from(registry.n_made))
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shared block {} of process {}", self.0 & u64::from(u32::MAX), self.0 >> 32)
    }
}

/// The block of this name, as long as this process has it.
///
/// A block whose last reference is dropped by another thread at this moment is not found.
pub(crate) fn find_alive(id: BlockId) -> Option<Arc<Block>> {
    REGISTRY.lock().alive.get(&id).and_then(Weak::upgrade)
}

/// Whether this process has the block of this name.
///
/// Asked when a call ends and when one begins, for each block that a worker was sent: those that are gone here are
/// forgotten there.
pub(crate) fn is_alive(id: BlockId) -> bool {
    REGISTRY.lock().alive.get(&id).is_some_and(|block| block.strong_count() > 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    /// How many descriptors and how many mappings of this file the process has.
    fn held(inode: u64) -> (usize, usize) {
        let entries = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
        let of_blocks =
            entries.filter(|path| fs::read_link(path).is_ok_and(|file| file.to_string_lossy().contains(NAME)));
        let n_descriptors = of_blocks.filter(|path| fs::metadata(path).is_ok_and(|file| file.ino() == inode)).count();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let of_blocks = maps.lines().filter(|line| line.contains(NAME));
        let inodes = of_blocks.filter_map(|line| line.split_whitespace().nth(4)?.parse().ok());
        (n_descriptors, inodes.filter(|found: &u64| *found == inode).count())
    }

    fn inode(block: &Block) -> u64 {
        block.file().file().metadata().unwrap().ino()
    }

    #[test]
    fn a_dropped_block_leaves_no_descriptor_no_mapping_and_no_name() {
        for block in [Block::copy_of(&[1; 5000]).unwrap(), Block::filled_by(5000, |bytes| bytes.fill(1)).unwrap()] {
            let (id, inode) = (block.id(), inode(&block));
            assert!(block.bytes() == [1; 5000]);
            assert_eq!((held(inode), is_alive(id)), ((1, 1), true));
            let other = Arc::clone(&block);
            drop(block);
            assert_eq!((held(inode), is_alive(id)), ((1, 1), true));
            drop(other);
            assert_eq!((held(inode), is_alive(id)), ((0, 0), false));
            assert!(!REGISTRY.lock().alive.contains_key(&id));
        }
    }

    #[test]
    fn a_fill_that_panics_leaves_nothing_behind() {
        let mut found = None;
        let filled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            Block::filled_by(5000, |bytes| {
                found = Some(inode_at(bytes.as_ptr().addr()));
                panic!("half way");
            })
        }));
        assert!(filled.is_err());
        assert_eq!(held(found.unwrap()), (0, 0));
    }

    /// Which file is mapped at this address.
    fn inode_at(address: usize) -> u64 {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.starts_with(&format!("{address:08x}-"))).unwrap();
        line.split_whitespace().nth(4).unwrap().parse().unwrap()
    }

    #[test]
    fn a_block_cannot_be_written_to() {
        for block in [Block::copy_of(b"words").unwrap(), Block::filled_by(5, |bytes| bytes.fill(b'a')).unwrap()] {
            let before = block.bytes().to_vec();
            assert!(block.file().is_sealed().unwrap());
            assert!(block.file().map(Access::ReadWrite).is_err());
            assert!(block.file().file().write_at(b"x", 0).is_err());
            assert!(block.file().file().set_len(1).is_err());
            assert_eq!(block.bytes(), before);
        }
    }

    #[test]
    fn every_block_has_a_name_of_its_own() {
        let blocks: Vec<_> = (0..100).map(|n| Block::copy_of(&[n]).unwrap()).collect();
        for (n, block) in (0..).zip(&blocks) {
            assert_eq!(find_alive(block.id()).unwrap().bytes(), [n]);
            assert_eq!(block.id().0 >> 32, u64::from(std::process::id()));
        }
    }

    #[test]
    fn a_child_forked_while_a_block_is_filled_does_not_prevent_its_seal() {
        let (mut here, there) = UnixStream::pair().unwrap();
        let mut started = None;
        let block = Block::filled_by(5000, |bytes| {
            started = Some((inode_at(bytes.as_ptr().addr()), std::thread::spawn(move || hold_a_fork(there))));
            here.read_exact(&mut [0]).unwrap(); // the child is there
        });
        here.write_all(&[0]).unwrap();
        let (filled, starter) = started.unwrap();
        starter.join().unwrap();
        assert_eq!(inode(&block.unwrap()), filled, "the block had to be copied");
    }

    /// Starts a program whose process sends a byte after the fork, and waits for one before it becomes that program.
    fn hold_a_fork(mut line: UnixStream) {
        let mut command = Command::new("true");
        // SAFETY: only reads and writes of a socket, which a forked child may do.
        unsafe { command.pre_exec(move || line.write_all(&[0]).and_then(|()| line.read_exact(&mut [0]))) };
        assert!(command.status().unwrap().success());
    }

    #[test]
    fn memory_that_is_still_mapped_for_writing_is_sealed_as_a_copy() {
        let file = SegmentFile::create(NAME, 5000).unwrap();
        file.file().write_all_at(&[7; 5000], 0).unwrap();
        let _writable = file.map(Access::ReadWrite).unwrap();
        let block = Block::register(BlockId::fresh(), sealed(file).unwrap()).unwrap();
        assert!(block.bytes() == [7; 5000]);
        assert!(block.file().is_sealed().unwrap());
    }
}
