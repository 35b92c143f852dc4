//! The model files out of the Python package that holds them.
//!
//! Promises: nothing is written before all six files have been found and their hashes fit, and each is then written as a whole or not at
//! all. What an archive says of names and lengths is not trusted: files go to names of our own, and no more is unpacked than a model has.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use consumer_support::input::{InputError, open_regular};
use manyhands::report::write_atomically;
use zip::ZipArchive;
use zip::result::ZipError;

use super::files::{HOW_TO_GET, MODEL_FILES, ModelFile, sha256};

/// The name that the package's licence is given beside the models.
const LICENCE: &str = "LICENSE";
/// A longer licence is not one.
const MOST_LICENCE_BYTES: u64 = 1 << 20;

/// Why a package gives no models. The text names the package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The package is not there, or cannot be read.
    #[error("{} {reason}", .wheel.display())]
    Unreadable {
        /// The package.
        wheel: PathBuf,
        /// Why.
        #[source]
        reason: InputError,
    },
    /// It is no zip archive, or a damaged one.
    #[error("{} is no wheel: {reason}; get it with: {HOW_TO_GET}", .wheel.display())]
    NoWheel {
        /// The package.
        wheel: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A name in it leads out of the folder that it would be unpacked to, so it is no package that `pip` would install.
    #[error("{} holds {name:?}, a name that leads out of its folder; get it with: {HOW_TO_GET}", .wheel.display())]
    UnsafeName {
        /// The package.
        wheel: PathBuf,
        /// The name in it.
        name: String,
    },
    /// A model is not in it.
    #[error("{} does not hold {member}; get the right one with: {HOW_TO_GET}", .wheel.display())]
    MissingMember {
        /// The package.
        wheel: PathBuf,
        /// The path in the package.
        member: String,
    },
    /// A model has another length than the tested one.
    #[error(
        "{member} in {} has {found} bytes where {expected} are needed; get the right one with: {HOW_TO_GET}",
        .wheel.display()
    )]
    WrongLength {
        /// The package.
        wheel: PathBuf,
        /// The path in the package.
        member: String,
        /// Its bytes, or those of them that were looked at.
        found: u64,
        /// Those of the tested file.
        expected: u64,
    },
    /// A model is another one than the tested one.
    #[error(
        "{member} in {} has the SHA-256 {found} where {expected} is needed; get the right one with: {HOW_TO_GET}",
        .wheel.display()
    )]
    WrongHash {
        /// The package.
        wheel: PathBuf,
        /// The path in the package.
        member: String,
        /// The hash of what is there.
        found: String,
        /// The hash of the tested file.
        expected: &'static str,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {reason}; check the folder and the free space", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
}

/// Takes the six model files, and the licence if it is there, out of the `mediapipe` wheel and writes them to a folder, which is made where it
/// is missing. Gives their paths. Files of the same names are replaced.
///
/// Takes 19 MB of memory and about half a second.
///
/// # Errors
/// [`UnpackError`]. Only [`UnpackError::Write`] leaves files behind, each of them whole.
pub fn unpack(wheel: &Path, folder: &Path) -> Result<Vec<PathBuf>, UnpackError> {
    let files = Wheel::open(wheel)?.files()?;
    fs::create_dir_all(folder).map_err(|reason| UnpackError::Write { path: folder.to_owned(), reason })?;
    let mut paths = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        write_atomically(&path, |file| file.write_all(&bytes))
            .map_err(|reason| UnpackError::Write { path: path.clone(), reason })?;
        paths.push(path);
    }
    Ok(paths)
}

/// The package, open.
struct Wheel<'a> {
    path: &'a Path,
    archive: ZipArchive<fs::File>,
}

impl<'a> Wheel<'a> {
    fn open(path: &'a Path) -> Result<Self, UnpackError> {
        let (file, _) =
            open_regular(path).map_err(|reason| UnpackError::Unreadable { wheel: path.to_owned(), reason })?;
        let archive = ZipArchive::new(file).map_err(|error| no_wheel(path, &error))?;
        let wheel = Self { path, archive };
        match wheel.unsafe_name() {
            Some(name) => Err(UnpackError::UnsafeName { wheel: path.to_owned(), name }),
            None => Ok(wheel),
        }
    }

    /// Each file's name in the folder, and its bytes.
    fn files(&mut self) -> Result<Vec<(&'static str, Vec<u8>)>, UnpackError> {
        let mut files = Vec::new();
        for model in MODEL_FILES {
            files.push((model.name, self.model(&model)?));
        }
        files.extend(self.licence()?.map(|bytes| (LICENCE, bytes)));
        Ok(files)
    }

    fn model(&mut self, model: &ModelFile) -> Result<Vec<u8>, UnpackError> {
        let (wheel, member) = (self.path.to_owned(), model.member());
        // One byte more than it should have tells whether it is longer.
        let Some(bytes) = self.member(&member, model.n_bytes + 1)? else {
            return Err(UnpackError::MissingMember { wheel, member });
        };
        let found = bytes.len() as u64;
        if found != model.n_bytes {
            return Err(UnpackError::WrongLength { wheel, member, found, expected: model.n_bytes });
        }
        match sha256(&bytes) {
            found if found == model.sha256 => Ok(bytes),
            found => Err(UnpackError::WrongHash { wheel, member, found, expected: model.sha256 }),
        }
    }

    fn licence(&mut self) -> Result<Option<Vec<u8>>, UnpackError> {
        let is_licence = |name: &str| {
            name.split_once('/').is_some_and(|(folder, name)| folder.ends_with(".dist-info") && name == LICENCE)
        };
        let name = self.names().find(|name| is_licence(name));
        Ok(match name {
            Some(name) => self.member(&name, MOST_LICENCE_BYTES)?,
            None => None,
        })
    }

    /// At most so many of the bytes of a file in the archive; `None` if it is not there.
    fn member(&mut self, name: &str, most_bytes: u64) -> Result<Option<Vec<u8>>, UnpackError> {
        let file = match self.archive.by_name(name) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(no_wheel(self.path, &error)),
        };
        let mut bytes = Vec::new();
        file.take(most_bytes).read_to_end(&mut bytes).map_err(|error| no_wheel(self.path, &error))?;
        Ok(Some(bytes))
    }

    fn names(&self) -> impl Iterator<Item = String> {
        self.archive.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// The first name that is absolute, or goes up.
    fn unsafe_name(&self) -> Option<String> {
        let leads_out = |name: &str| {
            name.starts_with(['/', '\\']) || name.contains(':') || name.split(['/', '\\']).any(|part| part == "..")
        };
        self.names().find(|name| leads_out(name))
    }
}

fn no_wheel(path: &Path, reason: &dyn std::fmt::Display) -> UnpackError {
    UnpackError::NoWheel { wheel: path.to_owned(), reason: reason.to_string() }
}
