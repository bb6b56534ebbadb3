//! Runs the command, and servers for it.

#![allow(dead_code, reason = "each test binary uses a part")]

mod background;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

pub(crate) use background::{Background, endpoint_in};

/// The result of one run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Insists on an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// Insists that something was said on neither stream.
    #[track_caller]
    pub(crate) fn hides(self, secret: &str) -> Self {
        assert!(!self.out.contains(secret) && !self.err.contains(secret), "{secret} was shown");
        self
    }

    /// Insists that something was said, on either stream.
    #[track_caller]
    pub(crate) fn says(self, what: &str) -> Self {
        assert!(
            self.out.contains(what) || self.err.contains(what),
            "not said: {what}\nstdout: {}\nstderr: {}",
            self.out,
            self.err
        );
        self
    }
}

/// The command, cut off from the environment and the terminal of the test.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironhouse"));
    command.args(arguments).env_remove("RUST_LOG").env_remove("IRONHOUSE_PLAIN_PASSWORD");
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env_remove("CLICOLOR");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs to the end.
pub(crate) fn run(arguments: &[&str]) -> Run {
    Run::of(command(arguments).output().expect("the command starts"))
}

/// Runs to the end with this in the environment.
pub(crate) fn run_with_variable(arguments: &[&str], name: &str, value: &str) -> Run {
    Run::of(command(arguments).env(name, value).output().expect("the command starts"))
}

/// Runs to the end with this on standard input.
pub(crate) fn run_with_input(arguments: &[&str], input: &str) -> Run {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().expect("the command starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    Run::of(child.wait_with_output().expect("the command ends"))
}

/// A running `echo`.
pub(crate) struct Echo {
    echo: Background,
    pub(crate) endpoint: String,
}

impl Echo {
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::at("tcp://127.0.0.1:*", flags)
    }

    pub(crate) fn at(endpoint: &str, flags: &[&str]) -> Self {
        let begin = ["echo", "--bind", endpoint];
        let echo = Background::start(&[&begin[..], flags].concat());
        let endpoint = endpoint_in(&echo.prints(&["listening"]));
        Self { echo, endpoint }
    }

    /// The next line on standard error that has all of `what`.
    #[track_caller]
    pub(crate) fn logs(&self, what: &[&str]) -> String {
        self.echo.logs(what)
    }

    /// Ends it as the system would, and gives all that it ever said on standard error.
    #[cfg(unix)]
    pub(crate) fn ends(self) -> Run {
        self.echo.interrupt();
        self.echo.ends()
    }
}

/// A directory of its own, gone when dropped.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("ironhouse-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }

    /// Writes a file that its owner alone can read.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        #[cfg(unix)]
        set_mode(&path, 0o600);
        path
    }

    /// Makes keys, and gives the paths of the public and of the secret half.
    pub(crate) fn keys(&self, name: &str) -> (String, String) {
        run(&["keygen", name, "--dir", self.dir()]).exits(0);
        (self.path(&format!("{name}.key")), self.path(&format!("{name}.key_secret")))
    }

    /// A directory of the public halves that were [made](Self::keys) under these names.
    pub(crate) fn authorized(&self, directory: &str, names: &[&str]) -> String {
        let directory = self.path(directory);
        std::fs::create_dir(&directory).expect("a directory");
        for name in names {
            let file = format!("{name}.key");
            std::fs::copy(self.path(&file), format!("{directory}/{file}")).expect("a key");
        }
        directory
    }

    pub(crate) fn dir(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl AsRef<Path> for Place {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Sets the permissions of a file.
#[cfg(unix)]
pub(crate) fn set_mode(path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

/// A greeting of ZMTP 3.1 under `mechanism`, from a peer that says like libzmq that it is no server.
pub(crate) fn greeting(mechanism: &str) -> Vec<u8> {
    let mut octets = b"\xFF\0\0\0\0\0\0\0\0\x7F\x03\x01".to_vec();
    octets.extend_from_slice(mechanism.as_bytes());
    octets.resize(64, 0);
    octets
}

/// READY of a socket of this type under NULL.
pub(crate) fn ready(socket_type: &str) -> Vec<u8> {
    let len = |text: &str| u8::try_from(text.len()).expect("short");
    let mut body = b"\x05READY\x0BSocket-Type\0\0\0".to_vec();
    body.push(len(socket_type));
    body.extend_from_slice(socket_type.as_bytes());
    [vec![0x04, u8::try_from(body.len()).expect("short")], body].concat()
}

/// A server that answers every connection with these octets, and then closes or says no more.
pub(crate) fn stub(octets: impl AsRef<[u8]>, closes: bool) -> String {
    let octets: std::sync::Arc<[u8]> = octets.as_ref().into();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("tcp://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let mut connection = connection;
            let octets = octets.clone();
            std::thread::spawn(move || {
                let _ = connection.write_all(&octets);
                if closes {
                    // What the client sends is read, so that closing does not reset the connection.
                    let _ = connection.set_read_timeout(Some(Duration::from_millis(200)));
                    let _ = connection.read(&mut [0; 1024]);
                } else {
                    let _ = connection.read_to_end(&mut Vec::new());
                }
            });
        }
    });
    endpoint
}
