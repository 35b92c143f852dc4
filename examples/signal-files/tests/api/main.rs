//! Reading and writing recordings: real files, made ones, files that are not what they say, and what other programs read of ours.

#![expect(clippy::unwrap_used, reason = "all of it is test, and a panic is how a test fails")]

mod brainvision;
mod edf;
mod hostile;
mod made;
mod peers;
mod real_files;
mod round_trip;
