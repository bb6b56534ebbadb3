//! The ironhouse command.

fn main() {}
