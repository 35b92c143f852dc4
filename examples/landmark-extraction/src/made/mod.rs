//! (skeleton)

/// The models of drawn frames.
#[must_use]
pub fn models() -> crate::models::Models {
    crate::models::Models::default() // (skeleton)
}
