//! Which networks there are: those of files, and those that the program carries.

pub mod files;
mod unpack;

pub use unpack::{UnpackError, unpack};
