//! Errors of the system, sorted.
