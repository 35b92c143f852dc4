//! Values to bytes and back, in postcard.
//!
//! Promises: a panic of the user's serde code, and bytes that are left over, are errors of the one value.
//!
//! Postcard writes integers of 2 to 8 bytes in 1 to 10 bytes, by their value: `7_u64` is one byte, `300_u32` two,
//! `u64::MAX` ten. An `f64` is eight bytes, and text and sequences have their length before them. Bytes go straight
//! into the body, without a buffer between.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::backend::process::wire::body::Body;
use crate::panics::{drop_caught, into_message};

/// Lets postcard append to a body.
struct AppendTo<'b>(&'b mut Body);

impl postcard::ser_flavors::Flavor for AppendTo<'_> {
    type Output = ();

    #[inline] // called for each number of an array, from code that is compiled in the caller's crate
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend(data);
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Appends a value to a body.
///
/// Call it within [`with_attachments`](crate::backend::process::wire::attachments::with_attachments), which notes the
/// shared memory that the value mentions.
///
/// # Errors
/// When the value's serde code fails or panics. Then part of the value may be in the body.
pub(crate) fn encode<V: serde::Serialize + ?Sized>(value: &V, body: &mut Body) -> Result<(), String> {
    catch(|| postcard::serialize_with_flavor(value, AppendTo(body)))?.map_err(|error| error.to_string())
}

/// The value that these bytes are.
///
/// Call it within [`with_blocks`](crate::backend::process::wire::attachments::with_blocks), which finds the shared
/// memory that the value mentions.
///
/// # Errors
/// When the value's serde code fails or panics, or leaves bytes.
pub(crate) fn decode<V: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<V, String> {
    let (value, rest) = catch(|| postcard::take_from_bytes(bytes))?.map_err(|error| error.to_string())?;
    match rest.len() {
        0 => Ok(value),
        left => {
            let _ = drop_caught(value); // it is none, so what its destructor says is of no use
            Err(format!("{left} bytes of it were not read; do its Serialize and Deserialize agree?"))
        }
    }
}

/// Runs serde code, which may be the user's own; a panic becomes an error.
fn catch<A>(code: impl FnOnce() -> A) -> Result<A, String> {
    catch_unwind(AssertUnwindSafe(code))
        .map_err(|payload| format!("its serde code panicked: {}", into_message(payload)))
}
