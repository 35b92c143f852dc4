//! The consumer's behaviour, seen from outside: one module per behaviour.

mod pictures;
