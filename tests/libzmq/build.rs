//! Builds libzmq against the libsodium that `libsodium-sys-stable` has built.

use std::path::PathBuf;
use std::{env, fs};

/// What libzmq's own `configure` finds on any Linux of today. `zeromq-src` asks for none of it and
/// so falls back to slower paths (socket pairs instead of eventfd, for one), which would make for
/// an unfair benchmark.
const LINUX_FEATURES: &[&str] = &[
    "HAVE_ACCEPT4",
    "HAVE_CLOCK_GETTIME",
    "HAVE_FORK",
    "HAVE_IF_NAMETOINDEX",
    "HAVE_MKDTEMP",
    "HAVE_POSIX_MEMALIGN=1",
    "ZMQ_CACHELINE_SIZE=64",
    "ZMQ_HAVE_EVENTFD",
    "ZMQ_HAVE_EVENTFD_CLOEXEC",
    "ZMQ_HAVE_IFADDRS",
    "ZMQ_HAVE_NOEXCEPT",
    "ZMQ_HAVE_O_CLOEXEC",
    "ZMQ_HAVE_PTHREAD_SETNAME_2",
    "ZMQ_HAVE_PTHREAD_SET_AFFINITY",
    "ZMQ_HAVE_SOCK_CLOEXEC",
    "ZMQ_HAVE_SO_BINDTODEVICE",
    "ZMQ_HAVE_SO_KEEPALIVE",
    "ZMQ_HAVE_SO_PEERCRED",
    "ZMQ_HAVE_SO_PRIORITY",
    "ZMQ_HAVE_TCP_KEEPCNT",
    "ZMQ_HAVE_TCP_KEEPIDLE",
    "ZMQ_HAVE_TCP_KEEPINTVL",
    "ZMQ_IOTHREAD_POLLER_USE_EPOLL_CLOEXEC",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");

    // Clippy runs a build script of its own and links nothing of what it makes: a header to include is enough.
    if cfg!(clippy) {
        let include =
            PathBuf::from(env::var_os("OUT_DIR").expect("OUT_DIR")).join("source/include");
        fs::create_dir_all(&include).expect("a directory for the header");
        fs::write(include.join("zmq.h"), "").expect("an empty header");
        return;
    }

    // `-w`: warnings about somebody else's sources help nobody here.
    let mut flags = format!("{} -w", env::var("CXXFLAGS").unwrap_or_default());
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        for feature in LINUX_FEATURES {
            flags += " -D";
            flags += feature;
        }
    }

    // SAFETY: no other thread runs yet. These variables are the only way to reach the compiler
    // that `zeromq-src` calls. Optimised without debug information in every profile: a reference
    // is there to be compared with, not to be stepped through.
    #[allow(unsafe_code)]
    unsafe {
        env::set_var("CXXFLAGS", flags);
        env::set_var("OPT_LEVEL", "3");
        env::set_var("DEBUG", "false");
    }

    let sodium = zeromq_src::LibLocation::new(sodium("LIB"), sodium("INCLUDE"));
    zeromq_src::Build::new().with_libsodium(Some(sodium)).enable_draft(false).build();
}

/// A path that the build script of `libsodium-sys-stable` has handed on.
fn sodium(what: &str) -> String {
    env::var(format!("DEP_SODIUM_{what}")).unwrap_or_else(|_| {
        panic!("libsodium-sys-stable names no {what} directory: unset SODIUM_* and build again")
    })
}
