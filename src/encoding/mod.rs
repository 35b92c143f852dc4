//! Values as bytes and back, for worker processes and journals: what is written reads back, or fails by name.
//!
//! `format.rs` has the formats. `compact` writes and reads the one; `noting.rs` and `bounded.rs` are put around the writer
//! and the reader of the other. `shapes.rs` remembers what was written before, `outline.rs` compares, `type_shape.rs`
//! describes a type, `bounds.rs` has what both readers refuse, `problem.rs` is the error on the way. Knows no processes and no files.
//!
//! The way of a value that is written:
//!
//! 1. [`write`] writes its bytes, and notes its shape. For a shape that was seen before, that is all.
//! 2. [`read_back`] reads the bytes and compares the outlines of the value and its copy.
//! 3. If they agree, the shape is known from now on. If not, the value fails, and so does each later one of its shape.
//!
//! One value speaks for all of its shape only where the reader asked for what was written. If it asked for other kinds of
//! numbers, or what comes, no shape of that type is ever known, and each value is read back: see [`ReadBack`].
//!
//! A value whose outline differs each time that it is asked for, such as one that writes the time since it was made, is
//! not compared: what can be said of it is that its bytes can be read.

mod bounded;
mod bounds;
mod compact;
mod format;
mod kinds;
mod noting;
mod outline;
mod problem;
mod shapes;
mod sink;
#[cfg(feature = "journal")]
mod type_shape;

use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::encoding::bounded::{Bounded, Budget};
use crate::encoding::compact::{Common, Reader, Writer};
use crate::encoding::noting::Noted;
use crate::encoding::problem::Problem;
use crate::panics::{drop_caught, into_message};

pub use format::{Format, UnknownFormat};
pub(crate) use outline::Digest;
pub(crate) use shapes::{ReadBack, Shapes};
pub(crate) use sink::Sink;
#[cfg(feature = "journal")]
pub(crate) use type_shape::type_shape;

/// A sink as MessagePack asks for one.
struct Target<'s, S>(&'s mut S);

impl<S: Sink> io::Write for Target<'_, S> {
    #[inline]
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.append(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends the bytes of a value, and notes its shape: ask [`Shapes::has_new`] afterwards.
///
/// # Errors
/// When the value's serde code fails or panics, or asks for what the format has not. Then part of the value may be in
/// the sink, and its shapes are not known.
#[inline]
pub(crate) fn write<V: Serialize + ?Sized>(
    format: Format,
    value: &V,
    sink: &mut impl Sink,
    shapes: &Shapes,
) -> Result<(), String> {
    let mut writing = Writing { format, value, common: Common { sink, shapes, n_elements: 0 } };
    catch(|| writing.run()).map_err(|problem| forget(shapes, &problem))
}

#[cold]
fn forget(shapes: &Shapes, problem: &Problem) -> String {
    shapes.take_new();
    problem.to_string()
}

/// What [`write`] needs, so that the closure that may panic holds one reference: a closure of several is copied on its
/// way, which takes as long as writing a number.
struct Writing<'w, V: ?Sized, S> {
    format: Format,
    value: &'w V,
    common: Common<'w, S>,
}

impl<V: Serialize + ?Sized, S: Sink> Writing<'_, V, S> {
    #[inline]
    fn run(&mut self) -> Result<(), Problem> {
        match self.format {
            Format::Compact => Writer::write(self.value, &mut self.common),
            Format::SelfDescribing => {
                let Common { sink, shapes, .. } = &mut self.common;
                let mut serializer = rmp_serde::Serializer::new(Target(*sink)).with_struct_map();
                Noted::new(self.value, shapes).serialize(&mut serializer).map_err(|error| shapes.show(error))
            }
        }
    }
}

/// The value that these bytes are, all of them.
///
/// # Errors
/// When the value's serde code fails or panics, leaves bytes, or is given a list that claims more elements than the
/// bytes hold, or a value that is nested too deep.
#[inline]
pub(crate) fn read<V: DeserializeOwned>(format: Format, bytes: &[u8]) -> Result<V, String> {
    let mut place = None;
    read_to(format, bytes, |value| place = Some(value))?;
    Ok(place.expect("it was read"))
}

/// As [`read`], for a caller that puts the value into its place: then it is not moved from result to result, each of which
/// takes as long as reading a number does. `put` is called once, or not at all after an error.
///
/// # Errors
/// Those of `read`.
#[inline]
pub(crate) fn read_to<V: DeserializeOwned>(format: Format, bytes: &[u8], put: impl FnMut(V)) -> Result<(), String> {
    let mut reading = Reading { format, bytes, put, value: PhantomData };
    catch(|| reading.run()).map_err(|problem| text_of(&problem))
}

#[cold]
fn text_of(problem: &Problem) -> String {
    problem.to_string()
}

/// What [`read`] needs, for the same reason as [`Writing`].
struct Reading<'r, V, P> {
    format: Format,
    bytes: &'r [u8],
    put: P,
    value: PhantomData<V>,
}

impl<V: DeserializeOwned, P: FnMut(V)> Reading<'_, V, P> {
    #[inline]
    fn run(&mut self) -> Result<(), Problem> {
        match self.format {
            Format::Compact => {
                let mut reader = Reader::<false>::new(self.bytes);
                let value = V::deserialize(&mut reader)?;
                all_were_read(reader.n_left())?;
                (self.put)(value);
            }
            Format::SelfDescribing => {
                (self.put)(self_described(self.bytes, &Budget::of(self.bytes.len()))?);
            }
        }
        Ok(())
    }
}

/// A value in the format that describes itself.
fn self_described<V: DeserializeOwned>(bytes: &[u8], budget: &Budget) -> Result<V, Problem> {
    let mut deserializer = rmp_serde::Deserializer::new(bytes);
    deserializer.set_max_depth(usize::MAX); // the budget counts levels, and says which are too many
    let value = V::deserialize(Bounded::new(&mut deserializer, budget))?;
    all_were_read(deserializer.get_ref().len())?;
    Ok(value)
}

#[inline]
fn all_were_read(n_left: usize) -> Result<(), Problem> {
    match n_left {
        0 => Ok(()),
        n_left => {
            Err(Problem::new(format!("{n_left} bytes of it were not read; do its Serialize and Deserialize agree?")))
        }
    }
}

/// What the type of a value asked for while the value was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Kinds of numbers and texts, as in [`Digest::kinds`].
    Kinds(u64),
    /// Names: each part comes with its kind.
    Names,
    /// What comes.
    WhatComes,
}

impl Asked {
    /// How values are read back whose type asks for this, where this was written.
    pub(crate) fn read_back(self, written: Digest) -> ReadBack {
        match self {
            Self::Kinds(kinds) if kinds != written.kinds => ReadBack::Always,
            Self::WhatComes => ReadBack::Always,
            Self::Kinds(_) | Self::Names => ReadBack::OncePerShape,
        }
    }
}

/// As [`read`], and keeps account of what was asked for. For a value that is read back.
///
/// # Errors
/// Those of `read`.
#[cold]
pub(crate) fn read_traced<V: DeserializeOwned>(
    format: Format,
    bytes: &[u8],
    place: &mut Option<V>,
) -> Result<Asked, String> {
    let read = || match format {
        Format::Compact => {
            let mut reader = Reader::<true>::new(bytes);
            *place = Some(V::deserialize(&mut reader)?);
            all_were_read(reader.n_left())?;
            Ok(Asked::Kinds(reader.kinds()))
        }
        Format::SelfDescribing => {
            let budget = Budget::of(bytes.len());
            *place = Some(self_described(bytes, &budget)?);
            Ok(if budget.was_asked_what_comes() { Asked::WhatComes } else { Asked::Names })
        }
    };
    catch(read).map_err(|problem| text_of(&problem))
}

/// Whether what was read is what was written.
///
/// Runs the value's `Serialize` twice, or three times where they differ.
///
/// # Errors
/// With a text that shows where they differ, and the way out.
fn compare<V: Serialize>(format: Format, written: (&V, Digest), read: &V) -> Result<(), String> {
    let (written, outline) = written;
    if outline.value == digest(read)?.value || !has_stable_digest(written)? {
        return Ok(());
    }
    let texts = catch(|| Ok((outline::text(written), outline::text(read))));
    let (written, read) = texts.map_err(|problem| problem.to_string())?;
    Err(disagreement(format, &written, &read))
}

/// Whether what reads back from these bytes is the value that was written as them; and whether that says the same of
/// other values of its shape.
///
/// `done` gets each copy when it was compared: to drop it, or to keep its destructor from running. It gets whether the copy
/// stands for other values of its shape.
///
/// # Errors
/// When it cannot be read, or is another value.
pub(crate) fn read_back<V: Serialize + DeserializeOwned>(
    format: Format,
    value: &V,
    bytes: &[u8],
    done: impl Fn(V, ReadBack),
) -> Result<ReadBack, String> {
    let mut copy = None;
    let asked = read_traced::<V>(format, bytes, &mut copy).map_err(|reason| does_not_read_back(format, &reason))?;
    let copy = copy.expect("it was read");
    let written = digest(value);
    let compared = written.and_then(|written| {
        compare(format, (value, written), &copy)?;
        Ok(asked.read_back(written))
    });
    done(copy, compared.as_ref().map_or(ReadBack::Always, |read_back| *read_back));
    match compared {
        Err(_) if !reads_alike::<V>(format, bytes, |copy| done(copy, ReadBack::Always)) => Ok(ReadBack::Always),
        compared => compared,
    }
}

/// Drops a copy of a value. A panic of its destructor is not said: the value itself says the same when it is dropped.
pub(crate) fn drop_copy<V>(copy: V) {
    let _ = drop_caught(copy);
}

/// How many times bytes are read to find out whether they always give the same value. Of a hash map with two entries, so many
/// copies are in one order once in 4096 cases.
const COPIES: usize = 12;

/// Whether copies that are read from these bytes are written alike. Those of a type that writes a hash map as a text, for
/// instance, are not, and then a difference says nothing. Only for values that differ: it takes as long as twelve readings.
#[cold]
pub(crate) fn reads_alike<V: Serialize + DeserializeOwned>(format: Format, bytes: &[u8], done: impl Fn(V)) -> bool {
    let digests = (0..COPIES).map(|_| {
        let copy: V = read(format, bytes)?;
        let digest = digest(&copy).map(|digest| digest.value);
        done(copy);
        digest
    });
    let digests: Result<Vec<u64>, String> = digests.collect();
    digests.is_ok_and(|digests| digests.iter().all(|digest| *digest == digests[0]))
}

/// Compares what was read with the digest of what was written elsewhere.
///
/// # Errors
/// As [`compare`], without the value that was written.
pub(crate) fn compare_with<V: Serialize>(format: Format, written: Digest, read: &V) -> Result<(), String> {
    if digest(read)?.value == written.value || !has_stable_digest(read)? {
        return Ok(());
    }
    let shown = catch(|| Ok(outline::text(read))).map_err(|problem| problem.to_string())?;
    Err(format!("it reads back as another value: {}; {}", excerpt(&shown, 0), format.way_out()))
}

/// Whether the outline of the value is the same each time.
fn has_stable_digest<V: Serialize>(value: &V) -> Result<bool, String> {
    Ok(digest(value)?.value == digest(value)?.value)
}

/// The outline of a value as numbers. The first is that of its copy, too, and of no other value.
///
/// # Errors
/// When the value's `Serialize` fails or panics.
pub(crate) fn digest<V: Serialize>(value: &V) -> Result<Digest, String> {
    catch(|| outline::digest(value)).map_err(|problem| problem.to_string())
}

/// The message for bytes that cannot be read.
pub(crate) fn does_not_read_back(format: Format, reason: &str) -> String {
    format!("it does not read back ({reason}); {}", format.way_out())
}

/// Shows two texts from where they differ.
fn disagreement(format: Format, written: &str, read: &str) -> String {
    let (written, read) = show_difference(written, read);
    format!("it was written as {written} and reads back as {read}; {}", format.way_out())
}

/// Some of each text, around the place from which they differ.
pub(crate) fn show_difference(one: &str, other: &str) -> (String, String) {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    (excerpt(one, same), excerpt(other, same))
}

/// Some text around a place.
fn excerpt(text: &str, place: usize) -> String {
    let boundary = |place: usize| (0..=place.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (from, until) = (boundary(place.saturating_sub(40)), boundary(place + 60));
    let (before, after) = (if from > 0 { ".." } else { "" }, if until < text.len() { ".." } else { "" });
    format!("{before}{}{after}", &text[from..until])
}

/// Runs serde code, which may be the user's own; a panic becomes an error.
#[inline]
fn catch<A>(code: impl FnOnce() -> Result<A, Problem>) -> Result<A, Problem> {
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|payload| Err(panicked(payload)))
}

#[cold]
fn panicked(payload: Box<dyn std::any::Any + Send>) -> Problem {
    Problem::new(format!("its serde code panicked: {}", into_message(payload)))
}

#[cfg(test)]
mod tests;
