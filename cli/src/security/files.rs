//! The files and streams that keys and passwords are read from.

use std::fmt::Display;
use std::io::Read;
use std::path::Path;

use curve::{PublicKey, SecretKey};
use ironhouse::{Certificate, certificate_keys};
use zap::Exposure;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::output;

/// Largest file that holds one key or one password.
const MAX_SECRET_FILE: usize = 64 * 1024;
/// How errors name it.
const STDIN: &str = "standard input";

pub(super) fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The secret key in a certificate, or in a file with nothing but the key; - is standard input.
pub(crate) fn read_secret(file: &Path) -> Result<SecretKey, Failure> {
    let content = if is_stdin(file) { read_stdin()? } else { read_small(file)? };
    let name = if is_stdin(file) { STDIN.to_owned() } else { file.display().to_string() };
    if let Some((line, key)) = bare_key(&content) {
        if !is_stdin(file) {
            refuse_exposed(file)?;
        }
        return SecretKey::from_z85(key)
            .map_err(|error| Failure::usage(format!("{name}, line {line}: {error}")));
    }
    let certificate = if is_stdin(file) {
        let text = std::str::from_utf8(&content);
        let text = text.map_err(|_| Failure::usage(format!("{name}: not text")))?;
        Certificate::parse(text).map_err(|error| Failure::usage(format!("{name}, {error}")))?
    } else {
        Certificate::load_secret(file, Exposure::Refuse).map_err(Failure::usage)?
    };
    let keys = certificate_keys(&certificate);
    let keys = keys.map_err(|fault| Failure::usage(format!("{name}: {fault}")))?;
    Ok(keys.secret().clone())
}

/// A file of one word is a key, not a certificate. Tells its line as well.
fn bare_key(content: &[u8]) -> Option<(usize, &str)> {
    let text = std::str::from_utf8(content).ok()?;
    let key = text.trim_ascii();
    let line = text.lines().position(|line| !line.trim_ascii().is_empty())? + 1;
    (!key.contains(char::is_whitespace)).then_some((line, key))
}

/// The public key in a file, or itself, as a flag has it.
pub(crate) fn read_public(text: &str, flag: &str) -> Result<PublicKey, Failure> {
    let path = Path::new(text);
    if !path.exists() {
        return text.parse().map_err(|error| {
            Failure::usage(format!("{flag}: no file of that name, and no key: {error}"))
        });
    }
    let content = read_small(path)?;
    if let Some((line, key)) = bare_key(&content) {
        return key
            .parse()
            .map_err(|error| Failure::usage(format!("{text}, line {line}: {error}")));
    }
    let certificate = Certificate::load_public(path).map_err(Failure::usage)?;
    Ok(PublicKey::from_bytes(*certificate.public_key()))
}

pub(super) fn read_small(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let name = file.display();
    let open = std::fs::File::open(file);
    let open = open.map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    read_all(open, name)
}

pub(super) fn read_stdin() -> Result<Zeroizing<Vec<u8>>, Failure> {
    read_all(std::io::stdin(), STDIN)
}

/// A secret to its end. All the room is there from the start, so that no copy is left behind by growing.
fn read_all(from: impl Read, name: impl Display) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut content = Zeroizing::new(Vec::with_capacity(MAX_SECRET_FILE + 1));
    let limit = u64::try_from(MAX_SECRET_FILE + 1).unwrap_or(u64::MAX);
    from.take(limit)
        .read_to_end(&mut content)
        .map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    if content.len() > MAX_SECRET_FILE {
        return Err(Failure::usage(format!("{name}: larger than {MAX_SECRET_FILE} octets")));
    }
    Ok(content)
}

/// As with the keys of ssh: a secret that others can read is none.
fn refuse_exposed(file: &Path) -> Result<(), Failure> {
    let Some(mode) = exposed_mode(file) else { return Ok(()) };
    Err(Failure::usage(format!(
        "{}: its mode {mode:03o} lets others at the secret key; run chmod 600",
        file.display()
    )))
}

/// Passwords often lie in files that a group may read; that is worth a word, not more.
pub(super) fn warn_of_exposed(file: &Path) {
    if let Some(mode) = exposed_mode(file) {
        output::note(format_args!(
            "{} {}: its mode {mode:03o} lets others at the passwords; run chmod 600",
            output::styled(output::NOTE, "warning:"),
            file.display()
        ));
    }
}

/// The permissions of a regular file, if anybody but its owner has any.
#[cfg(unix)]
fn exposed_mode(file: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file)?;
    let mode = metadata.mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Elsewhere there are no permission bits to judge by.
#[cfg(not(unix))]
const fn exposed_mode(_file: &Path) -> Option<u32> {
    None
}
