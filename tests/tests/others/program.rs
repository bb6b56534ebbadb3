//! Programs of others.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use ironhouse::{CertificateFiles, create_certificates};
use ironhouse_tests::Fallible;
use ironhouse_tests::files::Directory;

/// What is said of the owner in each certificate.
pub(crate) const SAID: [(&str, &str); 2] = [("email", "jo@example.org"), ("name", "Jo Doe")];

/// Whose program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Party {
    Pyzmq,
    Czmq,
}

pub(crate) const PARTIES: [Party; 2] = [Party::Pyzmq, Party::Czmq];

impl Party {
    fn script(self) -> PathBuf {
        let name = match self {
            Self::Pyzmq => "with_pyzmq.py",
            Self::Czmq => "with_czmq.py",
        };
        Path::new(env!("CARGO_MANIFEST_DIR")).join("others").join(name)
    }

    /// What a command of theirs prints until its end.
    pub(crate) fn run<A: AsRef<OsStr>>(
        self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Fallible<String> {
        let mut python = Command::new("python3");
        let python = python.arg(self.script()).args(arguments).stderr(Stdio::inherit());
        let output = python.output()?;
        if !output.status.success() {
            return Err(format!("{self:?}: {}", output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// Starts a command of theirs that goes on.
    pub(crate) fn start<A: AsRef<OsStr>>(
        self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Fallible<Program> {
        let mut python = Command::new("python3");
        let python = python.arg(self.script()).args(arguments).stdout(Stdio::piped());
        let mut child = python.spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        Ok(Program { child, lines })
    }

    /// The file by which they find both halves.
    pub(crate) fn both(self, files: &CertificateFiles) -> Fallible<PathBuf> {
        match self {
            Self::Pyzmq => Ok(files.secret.clone().ok_or("a secret half")?),
            // It looks for the secret half beside the public one.
            Self::Czmq => Ok(files.public.clone()),
        }
    }
}

/// A program that goes on until this is dropped.
pub(crate) struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    /// The next line that it prints. It ends by itself after a minute, so that this does.
    pub(crate) fn line(&mut self) -> Fallible<String> {
        Ok(self.lines.next().ok_or("the program has ended")??)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to do.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Makes a certificate with their program, or with ours, that is good for both.
pub(crate) fn make(maker: Option<Party>, at: &Path, name: &str) -> Fallible<CertificateFiles> {
    let Some(party) = maker else { return Ok(create_certificates(at, name, SAID)?) };
    party.run([OsStr::new("create"), at.as_os_str(), name.as_ref()])?;
    let secret = at.join(format!("{name}.key_secret"));
    // pyzmq leaves it to the mask who may read it.
    to_the_owner_alone(&secret)?;
    Ok(CertificateFiles { public: at.join(format!("{name}.key")), secret: Some(secret) })
}

/// Takes everybody's access to a file but its owner's.
pub(crate) fn to_the_owner_alone(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
}

/// A directory with the public half of one certificate.
pub(crate) fn store_of(files: &CertificateFiles) -> Fallible<Directory> {
    let place = Directory::new();
    let name = files.public.file_name().ok_or("a file")?;
    std::fs::copy(&files.public, place.path().join(name))?;
    Ok(place)
}
