//! The real parts, or those of a model checker: chosen at compile time, and the same names in both.
//!
//! Only the files of `sync` import from here; they and `sync/mod.rs` give the rest of the crate its names.

mod locks;
#[cfg(any(manyhands_loom, manyhands_shuttle))]
mod modelled;
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
mod native;

#[cfg(any(manyhands_loom, manyhands_shuttle))]
pub use modelled::*;
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
pub use native::*;

pub(in crate::sync) use locks::{Condvar, Mutex, MutexGuard};

/// True in a build for a model checker. There, what is striped for speed has few stripes, and nothing spins.
pub(crate) const IS_MODELLED: bool = cfg!(any(manyhands_loom, manyhands_shuttle));

/// A `const fn`, for the initial value of a `static`; in a model a plain function, as a checker's objects are made at
/// run time.
macro_rules! const_unless_modelled {
    ($(#[$about:meta])* $vis:vis fn $name:ident($($argument:ident: $kind:ty)?) -> $made:ty $body:block) => {
        $(#[$about])*
        #[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
        $vis const fn $name($($argument: $kind)?) -> $made $body

        $(#[$about])*
        #[cfg(any(manyhands_loom, manyhands_shuttle))]
        $vis fn $name($($argument: $kind)?) -> $made $body
    };
}
pub(crate) use const_unless_modelled;
