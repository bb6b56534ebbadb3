//! Runs every example to its end and looks for what it has to say, its negative half included.
//!
//! `cargo test` of the workspace or of the root package builds the examples; `--test examples` alone runs
//! them as they were built last.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// When an example is taken for hanging. None takes more than a few seconds.
const HANG: Duration = Duration::from_secs(120);

/// A test for each example, with pieces of what it prints.
macro_rules! examples {
    ($($name:ident: [$($says:literal),+ $(,)?])+) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];

        $(
            #[test]
            fn $name() {
                let printed = run(stringify!($name));
                for says in [$($says),+] {
                    assert!(printed.contains(says), "not said: {says}\n{printed}");
                }
            }
        )+
    };
}

examples! {
    curve: ["hello"]
    grasslands: ["a client got b\"hello\"", "stays away: the peer announces mechanism NULL"]
    strawhouse: ["let in from 127.0.0.1: got b\"hello\"", "refused at stage READY"]
    woodhouse: ["admin got b\"hello\"", "refused at stage WELCOME", "the server knows why", "400"]
    stonehouse: [
        "a client of any key got b\"hello\"",
        "a client of another server at stage WELCOME",
        "a client without CURVE: the peer announces mechanism CURVE",
    ]
    ironhouse: ["alice says b\"hello\"", "mallory is refused at stage READY", "Unknown key"]
    ironhouse_reload: [
        "bob is not known yet",
        "bob is in ",
        "bob says b\"hello\"",
        "after his key was removed",
        "bob stays outside",
        "alice says b\"still here\"",
    ]
    ironhouse_two_process: [
        "alice was let in",
        "the server got b\"hello\" of alice",
        "mallory is refused at stage READY",
        "400",
        "Unknown key",
    ]
    external_authenticator: [
        "the handler let admin in: b\"hello\"",
        "the handler refuses a wrong password: 400 Invalid credentials",
        "the handler is gone: 300 ",
    ]
    hello_world: ["the server was asked b\"hello 3\"", "the client got b\"world\"", "out of turn"]
    weather: ["Vienna: ", "no word of other cities"]
    ventilator: ["30 tasks", "worker 0 did 10", "worker 1 did 10", "worker 2 did 10"]
    lb_broker: [
        "somebody has left before its turn",
        "Ann: b\"", "did task 3 of Ann",
        "Ben: b\"", "did task 3 of Ben",
    ]
    last_value_cache: ["late:  [b\"price\", b\"3\"]", "nothing is known of the volume"]
    lazy_pirate: [
        "first: got b\"done: first\"",
        "second, attempt 1: ",
        "second: got b\"done: second\"",
        "third: the server seems to be gone, giving up",
    ]
    paranoid_pirate: [
        "Bob hangs",
        "the queue gives up on a silent worker",
        "Ann misses the queue",
        "the last request: b\"Ann did the last request\"",
    ]
}

/// No example goes without a test.
#[test]
fn all_examples_are_here() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut files: Vec<_> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned())
        .collect();
    let mut names = NAMES.to_vec();
    files.sort_unstable();
    names.sort_unstable();
    assert_eq!(files, names);
}

/// What an example prints until its end, which must be a good one.
fn run(name: &str) -> String {
    let test = env::current_exe().expect("a path");
    let target = test.ancestors().nth(2).expect("target/profile");
    let path = target.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let mut child = Command::new(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; build the examples", path.display()));
    let begin = Instant::now();
    while child.try_wait().expect("a status").is_none() && begin.elapsed() < HANG {
        thread::sleep(Duration::from_millis(10));
    }
    // Where it has ended already, there is nobody left to kill.
    let _ = child.kill();
    let output = child.wait_with_output().expect("its output");
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{name}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}
