//! Errors of the system, with the call that had them: a bare "Operation not permitted" helps no one.
//!
//! Also sorts them by what the caller of a run can do: a call that this system does not have or does not permit, memory
//! or a size that cannot be had, or anything else.

use std::io;

use crate::backend::contract::BackendError;

/// Names the call in its error, whose kind stays.
pub(crate) fn named<V, E: Into<io::Error>>(call: &str, result: Result<V, E>) -> io::Result<V> {
    result.map_err(|error| {
        let error = error.into();
        io::Error::new(error.kind(), format!("{call}: {error}"))
    })
}

/// Whether the system lacks a call or does not permit it, as under a seccomp filter or in a new namespace of process
/// ids.
pub(crate) fn is_unsupported(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    matches!(error.kind(), Unsupported | PermissionDenied | InvalidInput)
}

/// Whether there is no memory, or a limit on sizes is too low.
pub(crate) fn is_memory(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::FileTooLarge)
}

/// The error of a call of this crate that ended because of `error`, with this text; `other` makes it where the kind
/// says nothing.
pub(crate) fn backend_error(error: &io::Error, text: String, other: fn(String) -> BackendError) -> BackendError {
    match error {
        error if is_unsupported(error) => BackendError::Unsupported(text),
        error if is_memory(error) => BackendError::Memory(text),
        _ => other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn an_error_names_its_call_and_keeps_its_kind() {
        let of = |errno: Errno| named("memfd_create", Err::<(), _>(errno)).unwrap_err();
        assert!(of(Errno::PERM).to_string().starts_with("memfd_create: "));
        let sorted = |errno| backend_error(&of(errno), String::new(), BackendError::Workers);
        for errno in [Errno::PERM, Errno::NOSYS, Errno::INVAL, Errno::ACCESS] {
            assert_eq!(sorted(errno), BackendError::Unsupported(String::new()), "{errno}");
        }
        for errno in [Errno::NOMEM, Errno::FBIG] {
            assert_eq!(sorted(errno), BackendError::Memory(String::new()), "{errno}");
        }
        for errno in [Errno::MFILE, Errno::AGAIN, Errno::NOENT] {
            assert_eq!(sorted(errno), BackendError::Workers(String::new()), "{errno}");
        }
    }
}
