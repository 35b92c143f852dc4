//! The body of a frame of results, one answer per item: written by the worker, read by the caller.
//!
//! Promises: an answer that cannot be encoded or decoded fails its own item and no other, since each is a tag and a
//! part of its own length.
//!
//! The answers of three items, on a machine that stores the lowest byte first: the value `7_u8`, an error of 3 ms that
//! is `300_u32`, and a panic with the message `no`:
//!
//! ```text
//! 0  01 00 00 00  07                                 tag, length, value
//! 1  c0 c6 2d 00 00 00 00 00  02 00 00 00  ac 02     tag, nanoseconds, length, error
//! 2  .. 8 bytes of nanoseconds ..  02 00 00 00  6e 6f
//! ```
//!
//! So a value costs 5 bytes besides its own, and a failure 13. With traces each answer is followed by three numbers of
//! eight bytes and a part that is empty without amounts: 28 bytes more.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::process::wire::attachments::{Attachments, with_attachments};
use crate::backend::process::wire::body::Body;
use crate::backend::process::wire::encode::{decode, encode_checked};
use crate::backend::process::wire::frame::{Parts, ProtocolError, put_part};
use crate::encoding::{self, Format, Shapes};
use crate::failure::Cause;
use crate::record::{Amount, Timing};
use crate::sync::SystemTime;
use crate::sync::nanos;

/// The tags of answers. A value is followed by its part.
const VALUE: u8 = 0;
/// This tag and the next two are followed by the elapsed nanoseconds and a part: the error or a message.
const ERROR: u8 = 1;
const PANIC: u8 = 2;
const ENCODING: u8 = 3;
/// The only tag of its frame, followed by a count.
const SKIPPED: u8 = 4;

/// The body of a frame while the worker writes it.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The answers, one after the other.
    pub(crate) body: Body,
    /// The shared memory that they mention.
    pub(crate) attachments: Attachments,
    /// How values and errors are written in this call.
    format: Format,
    /// The shapes of this call's values that were read back.
    values: Shapes,
    /// The same for errors.
    errors: Shapes,
}

impl Answers {
    /// A call begins, whose values may be of other types than those of the last one.
    pub(crate) fn begin_call(&mut self, format: Format) {
        (self.format, self.values, self.errors) = (format, Shapes::default(), Shapes::default());
    }

    /// Appends a value, or why it cannot be encoded; gives the length of the body.
    ///
    /// A value that cannot be encoded, or does not read back, leaves no bytes behind. The failure that takes its place
    /// has an elapsed time of 0.
    pub(crate) fn put_value<R: Serialize + DeserializeOwned>(&mut self, value: &R) -> usize {
        let start = self.body.len();
        self.body.push(VALUE);
        let Self { body, attachments, format, values, .. } = self;
        let mut part = ValuePart { format: *format, value, shapes: values, attachments };
        if let Err(reason) = put_part(body, |body| part.encode(body)) {
            self.body.truncate(start);
            self.put(ENCODING, Duration::ZERO, format!("the result could not be encoded: {reason}").as_bytes());
        }
        self.body.len()
    }

    /// Appends the trace of the item of the last answer.
    pub(crate) fn put_trace(&mut self, trace: &Trace) {
        for word in [trace.started, trace.elapsed, trace.cpu] {
            self.body.extend(&word.to_ne_bytes());
        }
        let written = put_part(&mut self.body, |body| {
            if !trace.amounts.is_empty() {
                body.extend(&postcard::to_stdvec(&trace.amounts).map_err(|error| error.to_string())?);
            }
            Ok(())
        });
        written.expect("names and numbers can be encoded");
    }

    /// Appends why an item has no value.
    pub(crate) fn put_failure<E: Serialize + DeserializeOwned>(&mut self, elapsed: Duration, cause: &Cause<E>) {
        match cause {
            Cause::Error(error) => {
                let mut encoded = Body::default();
                let (format, shapes) = (self.format, &self.errors);
                let encode = || encode_checked(format, error, &mut encoded, shapes);
                match with_attachments(&mut self.attachments, encode) {
                    Ok(()) => self.put(ERROR, elapsed, encoded.bytes()),
                    Err(reason) => {
                        let reason = format!("the error could not be encoded: {reason}");
                        self.put(ENCODING, elapsed, reason.as_bytes());
                    }
                }
            }
            Cause::Panic(message) => self.put(PANIC, elapsed, message.as_bytes()),
            Cause::Encoding(reason) => self.put(ENCODING, elapsed, reason.as_bytes()),
            // Only the caller finds the other causes.
            _ => self.put(ENCODING, elapsed, b"the worker reported a cause that only its caller can find"),
        }
    }

    /// Appends an answer without a value. Bytes beyond the longest part are cut off.
    fn put(&mut self, tag: u8, elapsed: Duration, bytes: &[u8]) {
        self.body.push(tag);
        self.body.extend(&u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX).to_ne_bytes());
        let bytes = &bytes[..bytes.len().min(crate::backend::process::wire::frame::LONGEST_PART)];
        let written = put_part(&mut self.body, |body| {
            body.extend(bytes);
            Ok(())
        });
        written.expect("it is no longer than a part may be");
    }

    /// A body that says that this many items were skipped, because they lie beyond the fence.
    pub(crate) fn skipped(count: usize) -> Vec<u8> {
        [&[SKIPPED][..], &(count as u64).to_ne_bytes()].concat()
    }
}

/// A value on its way into a body. One reference to it is what the closures on the way hold: see
/// [`write`](crate::encoding::write).
struct ValuePart<'p, V> {
    format: Format,
    value: &'p V,
    shapes: &'p Shapes,
    attachments: &'p mut Attachments,
}

impl<V: Serialize + DeserializeOwned> ValuePart<'_, V> {
    #[inline]
    fn encode(&mut self, body: &mut Body) -> Result<(), String> {
        let Self { format, value, shapes, attachments } = self;
        with_attachments(attachments, || encode_checked(*format, *value, body, shapes))
    }
}

/// When and how long an item ran, as its worker measured it, in nanoseconds of the steady clock.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trace {
    /// When it began.
    pub(crate) started: u64,
    /// How long it took.
    pub(crate) elapsed: u64,
    /// CPU time; `u64::MAX` where it is not known.
    pub(crate) cpu: u64,
    /// What the function said about itself with `amount`.
    pub(crate) amounts: Vec<Amount>,
}

/// Why an item has no value, and how long it took.
pub(crate) type Failed<E> = (Duration, Cause<E>);

/// Reads the next answer: puts the value into its place, or gives why there is none. Within
/// [`with_blocks`](crate::backend::process::wire::attachments::with_blocks).
///
/// A value or an error that cannot be decoded is an answer with `Cause::Encoding`, and the next answer can be read.
///
/// # Errors
/// When the body ends too early or the tag is none of an answer. Then nothing after it can be read, and the worker is
/// killed.
#[inline]
pub(crate) fn take_answer<R: DeserializeOwned, E: DeserializeOwned>(
    format: Format,
    parts: &mut Parts<'_>,
    put: impl FnMut(R),
) -> Result<Option<Failed<E>>, ProtocolError> {
    match parts.byte()? {
        VALUE => match decode(format, parts.part()?, put) {
            Ok(()) => Ok(None),
            Err(reason) => Ok(Some((Duration::ZERO, undecodable("result", &reason)))),
        },
        tag => take_failure(format, tag, parts).map(Some),
    }
}

#[cold]
fn undecodable<E>(what: &str, reason: &str) -> Cause<E> {
    Cause::Encoding(format!("the {what} could not be decoded: {reason}"))
}

#[cold]
fn take_failure<E: DeserializeOwned>(
    format: Format,
    tag: u8,
    parts: &mut Parts<'_>,
) -> Result<Failed<E>, ProtocolError> {
    let elapsed = Duration::from_nanos(parts.word()?);
    let bytes = parts.part()?;
    let text = || String::from_utf8_lossy(bytes).into_owned();
    let cause = match tag {
        ERROR => encoding::read(format, bytes).map_or_else(|reason| undecodable("error", &reason), Cause::Error),
        PANIC => Cause::Panic(text()),
        ENCODING => Cause::Encoding(text()),
        _ => return Err(ProtocolError),
    };
    Ok((elapsed, cause))
}

/// Reads the trace of the item of the last answer.
///
/// The worker's steady clock is the caller's too, so the start is found by how long ago it was; a clock that is set in
/// between shifts it.
///
/// # Errors
/// When the body ends too early, or the amounts cannot be decoded.
pub(crate) fn next_timing(parts: &mut Parts<'_>) -> Result<Timing, ProtocolError> {
    let [started, elapsed, cpu] = [parts.word()?, parts.word()?, parts.word()?];
    let amounts = match parts.part()? {
        [] => Vec::new(),
        bytes => postcard::from_bytes(bytes).map_err(|_| ProtocolError)?,
    };
    Ok(Timing {
        started: SystemTime::now() - Duration::from_nanos(nanos().saturating_sub(started)),
        elapsed: Duration::from_nanos(elapsed),
        cpu: (cpu != u64::MAX).then(|| Duration::from_nanos(cpu)),
        amounts,
    })
}

/// How many items were skipped, in the body that [`Answers::skipped`] writes.
pub(crate) fn skipped(parts: &mut Parts<'_>) -> Result<usize, ProtocolError> {
    match parts.byte()? {
        SKIPPED => usize::try_from(parts.word()?).map_err(|_| ProtocolError),
        _ => Err(ProtocolError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next answer.
    fn next_answer<R: DeserializeOwned, E: DeserializeOwned>(
        parts: &mut Parts<'_>,
    ) -> Result<Result<R, Failed<E>>, ProtocolError> {
        let mut value = None;
        let failed = take_answer(Format::Compact, parts, |read| value = Some(read))?;
        Ok(value.ok_or_else(|| failed.expect("there is the one or the other")))
    }

    #[test]
    fn answers_come_out_as_they_went_in() {
        let mut answers = Answers::default();
        answers.put_value(&"one".to_owned());
        answers.put_failure(Duration::from_millis(3), &Cause::Error(7_u32));
        answers.put_failure::<u32>(Duration::ZERO, &Cause::Panic("boom".to_owned()));
        let mut parts = Parts::of(answers.body.bytes());
        let mut next = || next_answer::<String, u32>(&mut parts).unwrap();
        assert_eq!(next(), Ok("one".to_owned()));
        assert_eq!(next(), Err((Duration::from_millis(3), Cause::Error(7))));
        assert_eq!(next(), Err((Duration::ZERO, Cause::Panic("boom".to_owned()))));
        assert_eq!(next_answer::<String, u32>(&mut parts), Err(ProtocolError));
    }

    #[test]
    fn traces_come_out_as_they_went_in() {
        let amounts = vec![Amount { name: "samples".into(), value: 7.5 }];
        let mut answers = Answers::default();
        answers.put_value(&1_u8);
        answers.put_trace(&Trace { started: nanos(), elapsed: 5, cpu: 3, amounts: amounts.clone() });
        answers.put_failure::<u8>(Duration::ZERO, &Cause::Panic("boom".to_owned()));
        answers.put_trace(&Trace { started: 0, elapsed: 6, cpu: u64::MAX, amounts: Vec::new() });
        let mut parts = Parts::of(answers.body.bytes());
        next_answer::<u8, u8>(&mut parts).unwrap().unwrap();
        let timing = next_timing(&mut parts).unwrap();
        assert_eq!((timing.elapsed, timing.cpu), (Duration::from_nanos(5), Some(Duration::from_nanos(3))));
        assert_eq!(timing.amounts, amounts);
        next_answer::<u8, u8>(&mut parts).unwrap().unwrap_err();
        let timing = next_timing(&mut parts).unwrap();
        assert_eq!((timing.elapsed, timing.cpu, timing.amounts), (Duration::from_nanos(6), None, Vec::new()));
    }

    #[test]
    fn an_answer_that_cannot_be_decoded_fails_alone() {
        let mut answers = Answers::default();
        answers.put_value(&u64::MAX);
        answers.put_value(&1_u8);
        let mut parts = Parts::of(answers.body.bytes());
        let first = next_answer::<u8, u8>(&mut parts).unwrap();
        assert!(matches!(first, Err((_, Cause::Encoding(_)))), "{first:?}");
        assert_eq!(next_answer::<u8, u8>(&mut parts).unwrap(), Ok(1));
    }

    #[test]
    fn an_answer_that_cannot_be_encoded_says_so() {
        #[derive(serde::Deserialize)]
        struct Stubborn;
        impl Serialize for Stubborn {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("not me"))
            }
        }
        let mut answers = Answers::default();
        answers.put_value(&Stubborn);
        let first = next_answer::<u8, u8>(&mut Parts::of(answers.body.bytes())).unwrap();
        let Err((_, Cause::Encoding(reason))) = first else { panic!("{first:?}") };
        assert_eq!(reason, "the result could not be encoded: not me");
    }
}
