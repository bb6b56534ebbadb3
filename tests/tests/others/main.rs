//! Certificates and handshakes together with real programs of pyzmq and CZMQ, and pyzmq's Authenticator as the
//! handler of ours. The programs are in `tests/others/`.
//!
//! They need pyzmq (`pip install pyzmq`) and CZMQ (Debian: `libczmq4`), which is why they run by
//! `.ci/run others`, or `cargo test -p ironhouse-tests --test others -- --ignored`. What is missing is an error.

mod certificates;
mod handler;
mod handshakes;
mod program;
