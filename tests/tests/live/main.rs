//! Policies that change while peers are in.

mod authenticator;
mod sessions;
mod watching;
