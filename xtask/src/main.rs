//! Every check of the workspace as one program.

fn main() {}
