//! What is refused, and how: in time, with one typed error, and without effect on anybody else.

mod after;
mod authenticator;
mod configuration;
mod connecter;
mod house;
mod knocks;
mod listener;
mod past;
mod pending;
