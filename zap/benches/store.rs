//! What a store of 100,000 certificates costs: time to load it and to load it again, memory, lookups.
//!
//! `cargo bench -p zap --bench store` prints it; `-- --test` takes 1,000 certificates. The files are as
//! pyzmq writes them and lie in a directory for temporary files, so that they are in the page cache.
//!
//! 100,000 certificates take 18 MiB of heap, 191 octets each, 35 MiB while they are loaded, and 28 MiB of
//! resident memory.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use peak_alloc::PeakAlloc;
use zap::{CertificateStore, Provider};
use zmtp_core::auth::{AuthRequest, Credentials, Domain};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

/// Counts, so that figures do not depend on what the allocator keeps.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

type Error = Box<dyn std::error::Error>;

/// Lookups that are timed together.
const LOOKUPS: usize = 10_000;
/// The best of so many rounds is told, since others may use the machine.
const ROUNDS: usize = 20;

fn main() -> Result<(), Error> {
    let quick = std::env::args().any(|argument| argument == "--test");
    let count = if quick { 1_000 } else { 100_000 };
    let directory = Directory::filled(count)?;
    let (heap, resident_before) = (HEAP.current_usage(), resident()?);
    HEAP.reset_peak_usage();
    let begun = Instant::now();
    let store = CertificateStore::load(&directory.0)?;
    let first = begun.elapsed();
    let (peak, held) = (HEAP.peak_usage() - heap, HEAP.current_usage() - heap);
    let resident = resident()?.saturating_sub(resident_before);
    assert_eq!((store.keys().len(), store.problems().len()), (count, 0));
    let again = best(3, || {
        black_box(CertificateStore::load(&directory.0)?);
        Ok(())
    })?;

    let each = |octets: usize| format!("{:8.1} MiB {:8} octets each", mib(octets), octets / count);
    let mut table = String::new();
    writeln!(table, "a store of {count} certificates")?;
    writeln!(table, "  load               {:8.0} ms", millis(first))?;
    writeln!(table, "  load again         {:8.0} ms", millis(again))?;
    writeln!(table, "  heap               {}", each(held))?;
    writeln!(table, "  heap while loading {}", each(peak))?;
    writeln!(table, "  resident           {}", each(resident))?;
    for (name, offset) in [("known", 0), ("unknown", count)] {
        let took = lookup(&store, offset, count)?;
        writeln!(table, "  {name:<8} key       {:8.0} ns", took.as_nanos())?;
    }
    print!("{table}");
    Ok(())
}

/// The time of one lookup of some key out of `count`, from `offset` on.
fn lookup(store: &CertificateStore, offset: usize, count: usize) -> Result<Duration, Error> {
    let requests: Vec<_> =
        (0..LOOKUPS).map(|at| request(key(offset + at.wrapping_mul(7_919) % count))).collect();
    let now = SystemTime::now();
    let all = best(ROUNDS, || {
        for request in &requests {
            black_box(store.judge(request, now));
        }
        Ok(())
    })?;
    Ok(all / u32::try_from(LOOKUPS)?)
}

fn best(rounds: usize, work: impl Fn() -> Result<(), Error>) -> Result<Duration, Error> {
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        let begun = Instant::now();
        work()?;
        best = best.min(begun.elapsed());
    }
    Ok(best)
}

fn request(public_key: [u8; 32]) -> AuthRequest {
    AuthRequest {
        domain: Domain::default(),
        address: PeerAddress::Inproc,
        listener: Arc::from("tcp://0.0.0.0:9000"),
        routing_id: RoutingId::default(),
        mechanism: MechanismName::CURVE,
        credentials: Credentials::Curve { public_key },
        metadata: Metadata::new(),
    }
}

/// A key that differs from all others, without pattern.
fn key(index: usize) -> [u8; 32] {
    let mut key = [0; 32];
    for (at, octets) in key.chunks_mut(8).enumerate() {
        let z = (index * 4 + at + 1) as u64;
        let z = z.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let z = (z ^ (z >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        octets.copy_from_slice(&(z ^ (z >> 32)).to_le_bytes());
    }
    key
}

/// A directory of certificates, gone when dropped.
struct Directory(PathBuf);

impl Directory {
    fn filled(count: usize) -> Result<Self, Error> {
        let name = format!("ironhouse-store-{}", std::process::id());
        let directory = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&directory.0)?;
        for index in 0..count {
            write(&directory.0.join(format!("client-{index:06}.key")), key(index))?;
        }
        Ok(directory)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write(path: &Path, key: [u8; 32]) -> Result<(), Error> {
    let key = z85::encode(key);
    Ok(fs::write(
        path,
        format!(
            "\
#   ****  Generated on 2027-01-31 10:37:58.780491 by pyzmq  ****
#   ZeroMQ CURVE Public Certificate
#   Exchange securely, or use a secure mechanism to verify the contents
#   of this file after exchange. Store public certificates in your home
#   directory, in the .curve subdirectory.

metadata
curve
    public-key = \"{key}\"
"
        ),
    )?)
}

fn mib(octets: usize) -> f64 {
    octets as f64 / f64::from(1 << 20)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Resident memory of this process in octets; 0 where the system does not tell.
fn resident() -> Result<usize, Error> {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return Ok(0) };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<usize>()? * 1024)
}
