//! One function over many items: every answer in order, every failure by name.
