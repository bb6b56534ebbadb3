//! Policies that change while peers are in.

mod sessions;
