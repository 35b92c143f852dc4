//! Input from files that may claim, unpack to, or be more than it should: one budget for every reader of the consumers.
//!
//! Promises: what a file says of itself is compared with a limit before memory is reserved for it; nothing but a regular file is read,
//! and opening never waits for another process; each refusal is a typed error that names the value, the limit and the way out. That
//! holds in threads too, where no limit of the system stands behind it. Leaves to others: the formats.

use std::fmt;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// How much a reader takes from one input. Each limit is far above what recordings and light curves hold, and far below what a machine
/// has.
///
/// ```
/// use consumer_support::input::Budget;
///
/// let error = Budget::STANDARD.require_epochs(57_003_630, 61).unwrap_err();
/// assert_eq!((error.value, error.limit), (57_003_630, 250_000));
/// assert_eq!(Budget::STANDARD.unpacked_bytes(1000), 16 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of a file that is read whole, and of what it unpacks to.
    pub whole_file_bytes: u64,
    /// Bytes of a description: a job, a row of a catalogue.
    pub description_bytes: u64,
    /// Bytes unpacked per byte that is stored.
    pub bytes_out_per_byte_in: u64,
    /// Bytes that any file may unpack to, however short it is.
    pub bytes_out_of_any_file: u64,
    /// Bytes of one row of a table.
    pub record_bytes: u64,
    /// Columns of one table.
    pub columns: u64,
    /// Cards in the headers of one FITS file.
    pub header_cards: u64,
    /// Numbers read from one file.
    pub values: u64,
    /// Bytes of the annotation channels of one recording.
    pub annotation_bytes: u64,
    /// Annotations of one recording.
    pub annotations: u64,
    /// Epochs per stored sample of the longest signal.
    pub epochs_per_sample: u64,
    /// Epochs of any input, however few samples it has: 86 days of 30 s.
    pub epochs_of_any_input: u64,
    /// Values of a table on one grid per value that is stored.
    pub grid_values_per_value: u64,
    /// Values of a table on one grid, however few are stored.
    pub grid_values_of_any_input: u64,
}

impl Budget {
    /// What the consumers use.
    pub const STANDARD: Self = Self {
        whole_file_bytes: 512 << 20,
        description_bytes: 64 << 20,
        bytes_out_per_byte_in: 64,
        bytes_out_of_any_file: 16 << 20,
        record_bytes: 16 << 20,
        columns: 16_384,
        header_cards: 20_000,
        values: 1 << 30,
        annotation_bytes: 256 << 20,
        annotations: 4 << 20,
        epochs_per_sample: 1,
        epochs_of_any_input: 250_000,
        grid_values_per_value: 64,
        grid_values_of_any_input: 128 << 20,
    };

    /// How many bytes a file of `stored_bytes` may unpack to.
    #[must_use]
    pub fn unpacked_bytes(&self, stored_bytes: u64) -> u64 {
        let by_length = stored_bytes.saturating_mul(self.bytes_out_per_byte_in);
        by_length.max(self.bytes_out_of_any_file).min(self.whole_file_bytes)
    }

    /// Checks the number of epochs over signals of which the longest has `n_samples`.
    ///
    /// # Errors
    /// [`OverBudget`] when most epochs would be empty, as a single stray time makes them.
    pub fn require_epochs(&self, n_epochs: u64, n_samples: u64) -> Result<(), OverBudget> {
        let limit = n_samples.saturating_mul(self.epochs_per_sample).max(self.epochs_of_any_input);
        let way_out = "check for stray timestamps, or ask for longer steps or a start and an end";
        require(n_epochs, limit, || format!("epochs for {n_samples} samples"), way_out)
    }

    /// Checks the number of values in a table on a grid, made from `n_stored` values.
    ///
    /// # Errors
    /// [`OverBudget`] when there would be far more than the input justifies, as a single stray time makes them.
    pub fn require_grid_values(&self, n_values: u64, n_stored: u64) -> Result<(), OverBudget> {
        let by_input = n_stored.saturating_mul(self.grid_values_per_value).max(self.grid_values_of_any_input);
        let way_out = "check for stray timestamps, or ask for a lower rate or fewer signals";
        require(n_values, by_input.min(self.values), || format!("grid values for {n_stored} stored ones"), way_out)
    }
}

/// Checks a value against a limit; `what` is what is counted, in the plural.
///
/// # Errors
/// [`OverBudget`] when the value is above the limit.
///
/// ```
/// use consumer_support::input::require;
///
/// assert!(require(7, 7, || "cards", "remove some").is_ok());
/// let error = require(8, 7, || "cards", "remove some").unwrap_err();
/// assert_eq!(error.to_string(), "8 cards where at most 7 are read; remove some");
/// ```
pub fn require<W: Into<String>>(
    value: u64,
    limit: u64,
    what: impl FnOnce() -> W,
    way_out: &str,
) -> Result<(), OverBudget> {
    if value <= limit {
        return Ok(());
    }
    Err(OverBudget { what: what().into(), value, limit, way_out: way_out.to_owned() })
}

/// An input claims or unpacks to more than the [`Budget`] has for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverBudget {
    /// What there is too much of, in the plural.
    pub what: String,
    /// How much there is, or at least is.
    pub value: u64,
    /// The most that is read.
    pub limit: u64,
    /// What the user can do.
    pub way_out: String,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, value, limit, way_out } = self;
        write!(f, "{value} {what} where at most {limit} are read; {way_out}")
    }
}

impl std::error::Error for OverBudget {}

/// Why a file cannot be taken as input.
#[derive(Debug)]
#[non_exhaustive]
pub enum InputError {
    /// It is no regular file but this.
    NotRegular(&'static str),
    /// The system refuses to open it.
    Opening(io::Error),
    /// The system refuses to read it, or has no memory for it.
    Io(io::Error),
    /// There is too much of it.
    OverBudget(OverBudget),
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular(what) => write!(f, "is {what} where a regular file is needed; copy its content into one"),
            Self::Opening(error) => write!(f, "cannot be opened: {error}; check the path and its permissions"),
            Self::Io(error) => write!(f, "cannot be read: {error}; check the disk and the free memory"),
            Self::OverBudget(over) => over.fmt(f),
        }
    }
}

impl std::error::Error for InputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotRegular(_) => None,
            Self::Opening(error) | Self::Io(error) => Some(error),
            Self::OverBudget(over) => Some(over),
        }
    }
}

impl From<io::Error> for InputError {
    /// An [`OverBudget`] that a [`RecordLimit`] raised comes back as one.
    fn from(error: io::Error) -> Self {
        match error.downcast::<OverBudget>() {
            Ok(over) => Self::OverBudget(over),
            Err(error) => Self::Io(error),
        }
    }
}

impl From<OverBudget> for InputError {
    fn from(over: OverBudget) -> Self {
        Self::OverBudget(over)
    }
}

/// Opens a regular file for reading, and gives its length; links are followed. Anything else is refused without waiting for it: a FIFO
/// without a writer, a socket, a device, a folder.
///
/// # Errors
/// [`InputError::NotRegular`], [`InputError::Opening`] and [`InputError::Io`].
///
/// ```
/// let error = consumer_support::input::open_regular(std::env::temp_dir()).unwrap_err();
/// assert_eq!(error.to_string(), "is a folder where a regular file is needed; copy its content into one");
/// ```
pub fn open_regular(path: impl AsRef<Path>) -> Result<(File, u64), InputError> {
    let path = path.as_ref();
    // Looked at before it is opened, since merely opening a device may do something; and after, since it may have been replaced.
    regular(&std::fs::metadata(path).map_err(InputError::Opening)?)?;
    let file = waiting_for_no_one(OpenOptions::new().read(true)).open(path).map_err(InputError::Opening)?;
    let metadata = file.metadata()?;
    regular(&metadata)?;
    Ok((file, metadata.len()))
}

fn regular(metadata: &Metadata) -> Result<(), InputError> {
    not_regular(metadata.file_type()).map_or(Ok(()), |what| Err(InputError::NotRegular(what)))
}

/// What a path leads to, links followed, when it is no regular file; none for a regular file, and for what cannot be looked at.
#[must_use]
pub fn kind_if_not_regular(path: &Path) -> Option<&'static str> {
    std::fs::metadata(path).ok().and_then(|metadata| not_regular(metadata.file_type()))
}

fn not_regular(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a folder"),
        kind => Some(special(kind)),
    }
}

#[cfg(unix)]
fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_block_device() || kind.is_char_device() => "a device",
        _ => "no file",
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "no file"
}

/// A FIFO that takes the file's place opens at once, and a terminal does not become that of this process.
#[cfg(unix)]
fn waiting_for_no_one(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
}

#[cfg(not(unix))]
fn waiting_for_no_one(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Reads a regular file of at most `limit` bytes, also when it grows meanwhile.
///
/// # Errors
/// [`InputError`], also when the system has no memory for it.
///
/// ```
/// use consumer_support::input::{InputError, read_whole};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("job.json");
/// std::fs::write(&path, "{}")?;
/// assert_eq!(read_whole(&path, 2)?, b"{}");
/// assert!(matches!(read_whole(&path, 1), Err(InputError::OverBudget(over)) if over.value == 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_whole(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, InputError> {
    let (file, n_bytes) = open_regular(path)?;
    let too_long = |n_bytes| require(n_bytes, limit, || "bytes", "cut the file into smaller ones");
    too_long(n_bytes)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(n_bytes).unwrap_or(usize::MAX)).map_err(out_of_memory)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    too_long(bytes.len() as u64)?;
    Ok(bytes)
}

/// Reads all of a reader that unpacks, up to a limit; memory is that of what is unpacked, twice at most.
///
/// # Errors
/// [`InputError`], also when the system has no memory for it.
pub fn unpack(reader: impl Read, limit: u64, into: &mut Vec<u8>) -> Result<(), InputError> {
    let left = limit.saturating_sub(into.len() as u64);
    reader.take(left.saturating_add(1)).read_to_end(into)?;
    Ok(require(into.len() as u64, limit, || "unpacked bytes", "unpack the file yourself and look at what it holds")?)
}

/// A list for so many elements, with their memory reserved.
///
/// # Errors
/// [`InputError::Io`] of the kind [`io::ErrorKind::OutOfMemory`]: unlike `Vec::with_capacity`, it ends no program.
pub fn reserved<T>(n_elements: usize) -> Result<Vec<T>, InputError> {
    let mut list = Vec::new();
    list.try_reserve_exact(n_elements).map_err(out_of_memory)?;
    Ok(list)
}

fn out_of_memory(error: std::collections::TryReserveError) -> io::Error {
    io::Error::new(io::ErrorKind::OutOfMemory, error)
}

/// A reader that refuses to give more than so many bytes for one record.
///
/// The parser behind it keeps a whole record in memory, so a field without an end would fill it. Bytes that it reads ahead, into a
/// buffer of a known length, count for the record at hand.
#[derive(Debug)]
pub struct RecordLimit<R> {
    reader: R,
    limit: u64,
    left: u64,
}

impl<R> RecordLimit<R> {
    /// Gives at most `limit` bytes until [`RecordLimit::next_record`] is called.
    pub fn new(reader: R, limit: u64) -> Self {
        Self { reader, limit, left: limit }
    }

    /// Begins a record: the whole limit is there again.
    pub fn next_record(&mut self) {
        self.left = self.limit;
    }
}

impl<R: Read> Read for RecordLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.reader.read(buffer)?;
        match self.left.checked_sub(n_read as u64) {
            Some(left) => self.left = left,
            None => {
                let value = self.limit.saturating_add(1);
                let way_out = "check for a quote that is never closed, and for lines without an end".to_owned();
                let what = "bytes of one row, or more,".to_owned();
                return Err(io::Error::other(OverBudget { what, value, limit: self.limit, way_out }));
            }
        }
        Ok(n_read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_and_neither_overflow_nor_reach_beyond_the_largest() {
        let budget = Budget::STANDARD;
        assert!(budget.require_epochs(250_000, 0).is_ok() && budget.require_epochs(250_001, 0).is_err());
        assert!(budget.require_epochs(900_000, 900_000).is_ok() && budget.require_epochs(900_001, 900_000).is_err());
        assert!(budget.require_grid_values(u64::MAX, u64::MAX).is_err());
        assert!(budget.require_grid_values(1 << 30, 1 << 24).is_ok());
        assert_eq!(budget.unpacked_bytes(u64::MAX), budget.whole_file_bytes);
        assert_eq!(budget.unpacked_bytes(1 << 20), 64 << 20);
    }

    #[test]
    fn a_reader_that_unpacks_without_end_is_stopped_at_the_limit() {
        let mut into = vec![1; 10];
        let error = unpack(io::repeat(0), 100, &mut into).unwrap_err();
        assert!(matches!(error, InputError::OverBudget(OverBudget { value: 101, limit: 100, .. })), "{error}");
        assert_eq!(into.len(), 101);
        let mut into = Vec::new();
        assert!(unpack(io::repeat(0).take(100), 100, &mut into).is_ok());
    }

    #[test]
    fn a_record_without_an_end_is_refused_and_many_short_ones_are_not() {
        let mut limited = RecordLimit::new(io::repeat(b'x'), 10);
        let mut buffer = [0; 4];
        for _ in 0..100 {
            limited.next_record();
            assert_eq!(limited.read(&mut buffer).unwrap() + limited.read(&mut buffer).unwrap(), 8);
        }
        let error = InputError::from(limited.read(&mut buffer).unwrap_err());
        assert!(matches!(error, InputError::OverBudget(OverBudget { limit: 10, .. })), "{error}");
    }

    #[test]
    fn more_memory_than_there_is_is_an_error() {
        let error = reserved::<u64>(usize::MAX / 16).unwrap_err();
        assert!(matches!(&error, InputError::Io(io) if io.kind() == io::ErrorKind::OutOfMemory), "{error}");
    }

    #[test]
    fn a_file_as_large_as_its_hole_reserves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hole");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read_whole(&path, 1 << 20).unwrap_err();
        assert!(matches!(error, InputError::OverBudget(OverBudget { value: 1_099_511_627_776, .. })), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_named_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(place("fifo")).status().unwrap();
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(place("socket")).unwrap();
        std::os::unix::fs::symlink("fifo", place("link")).unwrap();
        for (path, what) in [
            (place("fifo"), "a FIFO"),
            (place("link"), "a FIFO"),
            (place("socket"), "a socket"),
            (folder.path().to_owned(), "a folder"),
            ("/dev/zero".into(), "a device"),
        ] {
            let error = open_regular(&path).unwrap_err();
            assert!(matches!(error, InputError::NotRegular(kind) if kind == what), "{}: {error}", path.display());
            assert_eq!(kind_if_not_regular(&path), Some(what));
        }
        std::fs::write(place("file"), "x").unwrap();
        std::os::unix::fs::symlink("file", place("to file")).unwrap();
        assert_eq!(open_regular(place("to file")).unwrap().1, 1);
        assert!(matches!(open_regular(place("absent")), Err(InputError::Opening(_))));
    }
}
