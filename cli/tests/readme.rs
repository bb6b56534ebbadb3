//! The first minute of the README, as it stands there.

#![cfg(unix)]

mod support;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use support::{Place, Run};

#[test]
fn the_first_minute_goes_as_told() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let (_, minute) = readme.split_once("## A first minute").expect("a first minute");
    let (_, script) = minute.split_once("```sh\n").expect("commands");
    let (script, _) = script.split_once("```").expect("an end");
    // The command is built, and the port may be taken here.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
    let script = script.replace("cargo install --path cli", ":").replace("5555", &port.to_string());

    let place = Place::new("first-minute");
    let command = Path::new(env!("CARGO_BIN_EXE_ironhouse")).parent().expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&place)
        .env("PATH", format!("{}:{path}", command.display()))
        .env_remove("RUST_LOG")
        .output()
        .expect("bash");
    let run = Run::of(output).exits(0);
    let hello = run.out.lines().filter(|line| *line == "hello");
    assert_eq!(hello.count(), 1, "{run:?}");
    run.says("the peer announces mechanism CURVE").says("authorized keys").hides("let me in");
}
