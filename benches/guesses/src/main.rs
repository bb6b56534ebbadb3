//! Whether the work of a comparison tells how much of a secret was guessed right.
//!
//! ```text
//! cargo run --release -p guesses              counts instructions, with valgrind
//! cargo run --release -p guesses -- --times   compares times; needs a quiet machine
//! ```
//!
//! Each comparison is done with guesses of which no octet, half of the octets and all but the last are
//! right. That takes the same number of instructions each time; a comparison that leaks on purpose
//! proves that another number would be seen.

mod callgrind;
/// Its source is shared, and not its crate: what is linked into a program changes what is counted there.
#[path = "../../instructions/src/peers.rs"]
mod peers;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use bytes::BytesMut;
use curve::{CurveClient, CurveServer, KeyPair, SecretKey};
use zap::Passwords;
use zmtp_core::auth::Secret;
use zmtp_core::connection::ConnectionConfig;
use zmtp_core::traffic::Traffic;
use zmtp_core::{Message, SocketType};

use crate::peers::Seeded;

type Error = Box<dyn std::error::Error>;

/// Length of the secrets.
const LEN: usize = 32;
/// Length of what authenticates a box.
const TAG: usize = 16;
/// How often each guess is counted; the lowest count is the one without growing tables and the like.
const ROUNDS: usize = 4;
/// Samples of each kind, where times are compared.
const SAMPLES: usize = 20_000;
/// Welch's t beyond which two kinds do not take the same time.
const TELLING: f64 = 10.0;

/// One comparison, to be done once; it says whether the guess was right. What it holds is dropped later.
type Work = Box<dyn FnMut() -> bool>;

/// Something that compares a guess with a secret.
struct Comparison {
    name: &'static str,
    /// How many octets are guessed.
    len: usize,
    /// Made to leak.
    leaks: bool,
    /// Prepares it for a guess of which so many octets at the beginning are right.
    prepare: fn(usize) -> Result<Work, Error>,
}

const COMPARISONS: &[Comparison] = &[
    Comparison { name: "password", len: LEN, leaks: false, prepare: password },
    Comparison { name: "secret", len: LEN, leaks: false, prepare: secret },
    Comparison { name: "secret-key", len: LEN, leaks: false, prepare: secret_key },
    Comparison { name: "tag-of-a-box", len: TAG, leaks: false, prepare: message },
    Comparison { name: "leak-on-purpose", len: LEN, leaks: true, prepare: leak },
];

impl Comparison {
    /// How many octets of the guesses are right.
    const fn guesses(&self) -> [usize; 3] {
        [0, self.len / 2, self.len - 1]
    }
}

/// What is counted, and timed.
#[inline(never)]
fn compared(work: &mut Work) -> bool {
    black_box(work())
}

fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        None => check_instructions(),
        Some("--times") => check_times(),
        Some("--run") => run().map(|()| true),
        Some(_) => Err("the only argument is --times".into()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// All of them, with each guess in turn.
fn run() -> Result<(), Error> {
    for comparison in COMPARISONS {
        for guess in comparison.guesses().repeat(ROUNDS) {
            if compared(&mut (comparison.prepare)(guess)?) {
                return Err(format!("{}: a wrong guess is right", comparison.name).into());
            }
        }
    }
    Ok(())
}

/// Counts instructions; whether they are as they must be.
fn check_instructions() -> Result<bool, Error> {
    let counts = callgrind::calls("guesses::compared", "--run")?;
    let (rounds, rest) = counts.as_chunks::<3>();
    if rounds.len() != COMPARISONS.len() * ROUNDS || !rest.is_empty() {
        return Err(format!("{} comparisons were counted", counts.len()).into());
    }
    println!("{:<16} {:>12} {:>12} {:>12}", "comparison", "0 right", "half", "all but one");
    let mut good = true;
    for (comparison, rounds) in COMPARISONS.iter().zip(rounds.chunks(ROUNDS)) {
        let lowest = |at: usize| rounds.iter().map(|round| round[at]).min().unwrap_or(0);
        let [none, half, most] = [0, 1, 2].map(lowest);
        let tells = none != half || half != most;
        good &= tells == comparison.leaks;
        let remark = match (tells, comparison.leaks) {
            (false, false) => "",
            (true, false) => "  TELLS HOW MUCH WAS RIGHT",
            (true, true) => "  is noticed",
            (false, true) => "  IS NOT NOTICED",
        };
        println!("{:<16} {none:>12} {half:>12} {most:>12}{remark}", comparison.name);
    }
    Ok(good)
}

/// Compares times by Welch's t-test; whether they are as they must be.
fn check_times() -> Result<bool, Error> {
    println!("{:<16} {:>12} {:>12} {:>8}", "comparison", "0 right", "all but one", "t");
    let mut good = true;
    for comparison in COMPARISONS {
        let [none, _, most] = comparison.guesses();
        let mut times = [Vec::new(), Vec::new()];
        for at in 0..SAMPLES * 2 {
            // In no order that anything else could have.
            let kind = (at.wrapping_mul(0x9E37_79B9) >> 7) & 1;
            let mut work = (comparison.prepare)([none, most][kind])?;
            let begin = Instant::now();
            compared(&mut work);
            times[kind].push(begin.elapsed().as_nanos() as f64);
        }
        let [none, most] = times.map(Moments::of);
        let t = (none.mean - most.mean) / (none.error + most.error).sqrt();
        good &= (t.abs() > TELLING) == comparison.leaks;
        let (name, none, most) = (comparison.name, none.mean, most.mean);
        println!("{name:<16} {none:>9.1} ns {most:>9.1} ns {t:>8.1}");
    }
    Ok(good)
}

/// Mean and square of its standard error.
struct Moments {
    mean: f64,
    error: f64,
}

impl Moments {
    /// Without the slower half, in which the machine did something else.
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        times.truncate(times.len() / 2);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / count;
        Self { mean, error: variance / count }
    }
}

const SECRET: [u8; LEN] = *b"nobody must find this by octets!";

/// The secret as far as it was guessed, and wrong octets behind that.
fn guess(right: usize) -> [u8; LEN] {
    let mut guess = SECRET;
    guess[right..].iter_mut().for_each(|octet| *octet ^= 0x55);
    guess
}

fn password(right: usize) -> Result<Work, Error> {
    // One table, because another one would hash the same name to another place.
    static TABLE: LazyLock<Passwords> =
        LazyLock::new(|| Passwords::from_pairs([("somebody", SECRET)]).unwrap_or_default());
    let table = &*TABLE;
    if table.verify(b"somebody", &Secret::new(SECRET.to_vec())).is_none() {
        return Err("the password is not known".into());
    }
    let guess = Secret::new(guess(right).to_vec());
    Ok(Box::new(move || table.verify(b"somebody", &guess).is_some()))
}

fn secret(right: usize) -> Result<Work, Error> {
    let [secret, guess] = [SECRET, guess(right)].map(|it| Secret::new(it.to_vec()));
    Ok(Box::new(move || secret == guess))
}

fn secret_key(right: usize) -> Result<Work, Error> {
    let [secret, guess] = [SECRET, guess(right)].map(SecretKey::from_bytes);
    Ok(Box::new(move || secret == guess))
}

/// Client and server of CURVE behind their handshake.
fn established() -> Result<[Box<Traffic>; 2], Error> {
    let pair = |octet| KeyPair::from_secret(SecretKey::from_bytes([octet; 32]));
    let client = CurveClient::new(pair(1), *pair(2).public()).map_err(|_| "a bad key")?;
    let client = Arc::new(ConnectionConfig::new(SocketType::PUSH, Arc::new(client)));
    let server = CurveServer::new(pair(2));
    let server = Arc::new(ConnectionConfig::new(SocketType::PULL, Arc::new(server)));
    let mut random = Seeded(1);
    let client = peers::connection(&client, &mut random)?;
    let server = peers::connection(&server, &mut random)?;
    peers::traffic(peers::handshake(client, server)?)
}

/// Who receives from a peer of CURVE, and a message whose tag was guessed.
fn message(right: usize) -> Result<Work, Error> {
    let [mut client, mut server] = established()?;
    client.outgoing.send(&Message::new(vec![7; LEN]))?;
    let octets: Vec<u8> =
        std::iter::from_fn(|| client.outgoing.output().poll()).flatten().collect();
    let mut message = BytesMut::from(octets.as_slice());
    // The box is at the end: its tag, then the flags and the body.
    let end = message.len() - 1 - LEN;
    message[end - TAG + right..end].iter_mut().for_each(|octet| *octet ^= 0x55);
    Ok(Box::new(move || server.incoming.next(&mut message).is_ok()))
}

/// What must not be done.
fn leak(right: usize) -> Result<Work, Error> {
    let guess = guess(right);
    let same = |(one, other): (&u8, &u8)| black_box(*one) == black_box(*other);
    Ok(Box::new(move || SECRET.iter().zip(&guess).all(same)))
}
