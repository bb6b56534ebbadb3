//! Keys: making them and deriving public ones.

use std::path::PathBuf;

use clap::Args;
use ironhouse::{Certificate, curve_keypair};
use serde_json::json;
use zap::Existing;

use crate::exit::Failure;
use crate::output::line;
use crate::security::read_secret;

/// Make a CURVE key pair.
///
/// Exit codes: 0 made; 2 a name, a directory or files in it that cannot be used; 1 all else.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Writes NAME.key, to hand out, and NAME.key_secret, to keep (mode 600)
    #[arg(required_unless_present = "json", conflicts_with = "json")]
    name: Option<String>,
    /// Where to write
    #[arg(long, default_value = ".", value_name = "DIRECTORY", conflicts_with = "json")]
    dir: PathBuf,
    /// Says something of the owner, in both files; user-id names the user for the server
    #[arg(long = "meta", value_name = "KEY=VALUE", conflicts_with = "json")]
    metadata: Vec<String>,
    /// Replaces files that exist
    #[arg(long, conflicts_with = "json")]
    force: bool,
    /// Writes no files: prints both keys as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let keys = curve_keypair().map_err(Failure::broken)?;
    let Some(name) = &arguments.name else {
        let secret = keys.secret().to_z85();
        line(json!({ "public-key": keys.public().to_string(), "secret-key": *secret }));
        return Ok(());
    };
    let mut certificate =
        Certificate::new(*keys.public().as_bytes()).with_secret_key(keys.secret().as_bytes());
    for entry in &arguments.metadata {
        let (key, value) = entry
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--meta {entry}: expected KEY=VALUE")))?;
        certificate
            .set(key, value)
            .map_err(|fault| Failure::usage(format!("--meta {entry}: {fault}")))?;
    }
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let files = certificate.save(&arguments.dir, name, existing).map_err(Failure::usage)?;
    line(format_args!("public key  {}  {}", files.public.display(), keys.public()));
    if let Some(secret) = files.secret {
        line(format_args!("secret key  {}  (keep it)", secret.display()));
    }
    Ok(())
}

/// Derive the public key of a secret one.
///
/// Exit codes: 0 printed; 2 a file without a secret key, or one that others can read.
#[derive(Debug, Args)]
pub(crate) struct PublicKeyArguments {
    /// A secret certificate or a file with nothing but the key; - reads standard input
    file: PathBuf,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn public_key(arguments: &PublicKeyArguments) -> Result<(), Failure> {
    let public = read_secret(&arguments.file)?.public_key();
    if arguments.json {
        line(json!({ "public-key": public.to_string() }));
    } else {
        line(public);
    }
    Ok(())
}
