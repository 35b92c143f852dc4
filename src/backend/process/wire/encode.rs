//! Values as bytes, in postcard. The user's own serde code runs here, so its panics are caught here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::backend::process::wire::body::Body;
use crate::backend::worker_loop::into_message;

/// Appends to a body, for serde.
struct Tail<'b>(&'b mut Body);

impl postcard::ser_flavors::Flavor for Tail<'_> {
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

/// Appends a value. Within [`with_attachments`](crate::backend::process::wire::attachments::with_attachments), which notes the memory that it mentions.
pub(crate) fn encode<V: serde::Serialize + ?Sized>(value: &V, body: &mut Body) -> Result<(), String> {
    caught(|| postcard::serialize_with_flavor(value, Tail(body)))?.map_err(|error| error.to_string())
}

/// The value that these bytes are. Within [`with_blocks`](crate::backend::process::wire::attachments::with_blocks), which knows the memory that it mentions.
pub(crate) fn decode<V: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<V, String> {
    let (value, rest) = caught(|| postcard::take_from_bytes(bytes))?.map_err(|error| error.to_string())?;
    match rest.len() {
        0 => Ok(value),
        left => Err(format!("{left} bytes of it were not read; do its Serialize and Deserialize agree?")),
    }
}

/// Serde code may be the user's own: its panic is that of one item and no more.
fn caught<A>(code: impl FnOnce() -> A) -> Result<A, String> {
    catch_unwind(AssertUnwindSafe(code))
        .map_err(|payload| format!("its serde code panicked: {}", into_message(payload)))
}
