//! The flags that say who this side is and whom it lets in, and the files that they name.

mod files;
mod sides;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use curve::KeyPair;
use ironhouse::{
    Authenticator, CertificateStore, CurveKeys, Endpoint, Passwords, Policy, Security,
    ServerSecurity, curve_keypair,
};
use serde_json::json;
use zap::{Reload, Watch};
use zeroize::Zeroizing;
use zmtp_core::wire::greeting::MechanismName;

use self::files::{is_stdin, read_small, read_stdin, warn_of_exposed};
pub(crate) use self::files::{read_public, read_secret};
pub(crate) use self::sides::{Backend, Capture, Frontend, Side};
use crate::exit::Failure;
use crate::output;

/// The variable that holds a PLAIN password.
const PASSWORD_VARIABLE: &str = "IRONHOUSE_PLAIN_PASSWORD";

/// The domain under NULL where none is given: without one, NULL asks nobody.
pub(crate) const DEFAULT_DOMAIN: &str = "global";

/// Who this side lets in. Without any of these flags: everybody (NULL).
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Security of this side as server")]
pub(crate) struct ServerFlags {
    /// A policy file that says who comes in, in place of the other flags; see docs/policy.md
    #[arg(
        long,
        value_name = "FILE",
        group = "clients",
        conflicts_with_all = ["plain_passwords", "allow", "deny"]
    )]
    policy: Option<PathBuf>,
    /// PLAIN, for the users that --policy knows
    #[arg(long, requires = "policy", conflicts_with = "curve_secret")]
    plain: bool,
    /// PLAIN: a file with a line USER=PASSWORD for each user
    #[arg(long, value_name = "FILE", conflicts_with = "curve_secret")]
    plain_passwords: Option<PathBuf>,
    /// CURVE: the secret certificate of this side
    #[arg(long, value_name = "FILE", requires = "clients")]
    curve_secret: Option<PathBuf>,
    /// CURVE: a directory with the public certificate of each client
    #[arg(long, value_name = "DIRECTORY", group = "clients", requires = "curve_secret")]
    authorized_keys: Option<PathBuf>,
    /// CURVE: lets clients with any key in
    #[arg(long, group = "clients", requires = "curve_secret")]
    allow_any_client: bool,
    /// The domain to authenticate in
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// Lets only peers from here in: an address, a block such as 192.0.2.0/24, loopback, private,
    /// unix, unix:uid=NUMBER
    #[arg(long, value_name = "CIDR")]
    allow: Vec<String>,
    /// Keeps peers from here out
    #[arg(long, value_name = "CIDR")]
    deny: Vec<String>,
}

/// Which programs may ask this one.
#[derive(Debug, Args)]
#[command(next_help_heading = "Security: which programs may ask")]
pub(crate) struct ProgramFlags {
    /// CURVE: the secret certificate of this side
    #[arg(long, value_name = "FILE", requires = "authorized_keys")]
    curve_secret: Option<PathBuf>,
    /// CURVE: a directory with the public certificate of each program that may ask
    #[arg(long, value_name = "DIRECTORY", requires = "curve_secret")]
    authorized_keys: Option<PathBuf>,
    /// Only programs from here may ask: an address, a block such as 192.0.2.0/24, loopback, private,
    /// unix, unix:uid=NUMBER
    #[arg(long, value_name = "CIDR")]
    allow: Vec<String>,
    /// Programs from here may not ask
    #[arg(long, value_name = "CIDR")]
    deny: Vec<String>,
}

impl ProgramFlags {
    pub(crate) fn security(&self, json: bool) -> Result<Security, Failure> {
        let flags = ServerFlags {
            curve_secret: self.curve_secret.clone(),
            authorized_keys: self.authorized_keys.clone(),
            allow: self.allow.clone(),
            deny: self.deny.clone(),
            ..ServerFlags::default()
        };
        flags.security(json)
    }
}

/// Who this side is. Without any of these flags: nobody (NULL).
#[derive(Debug, Args)]
#[command(next_help_heading = "Security of this side as client")]
pub(crate) struct ClientFlags {
    /// PLAIN: the user name
    #[arg(long, value_name = "USER", conflicts_with_all = ["curve_secret", "server_key"])]
    plain_user: Option<String>,
    /// PLAIN: a file with the password, - for standard input; without it, the variable
    /// IRONHOUSE_PLAIN_PASSWORD or a prompt
    #[arg(long, value_name = "FILE", requires = "plain_user")]
    plain_password_file: Option<PathBuf>,
    /// CURVE: the secret certificate of this side; without it, a new key that nobody knows
    #[arg(long, value_name = "FILE", requires = "server_key")]
    curve_secret: Option<PathBuf>,
    /// CURVE: the public key of the server, as 40 characters or a file
    #[arg(long, value_name = "KEY|FILE", allow_hyphen_values = true)]
    server_key: Option<String>,
}

impl ServerFlags {
    /// As the flags have it; what they name is watched.
    pub(crate) fn security(&self, json: bool) -> Result<Security, Failure> {
        if self.lets_everybody_in() {
            return Ok(Security::null());
        }
        let mut judge = match &self.policy {
            Some(file) => self.policy(file)?.into(),
            None => self.by_address()?,
        };
        let server = if let Some(file) = &self.plain_passwords {
            judge = judge.configure_plain("*", users(file)?).map_err(Failure::usage)?;
            ServerSecurity::plain()
        } else if self.plain {
            ServerSecurity::plain()
        } else if let Some(file) = &self.curve_secret {
            if self.policy.is_none() {
                judge = judge.configure_curve("*", self.client_keys()?).map_err(Failure::usage)?;
            }
            ServerSecurity::curve(KeyPair::from_secret(read_secret(file)?))
        } else {
            watch_files(&judge, Watch::new(), json)?;
            let domain = self.domain.as_deref().unwrap_or(DEFAULT_DOMAIN);
            return Security::null_with_authenticator(domain, judge).map_err(Failure::usage);
        };
        watch_files(&judge, Watch::new(), json)?;
        let server = match &self.domain {
            Some(domain) => server.domain(domain).map_err(Failure::usage)?,
            None => server,
        };
        Ok(server.with_authenticator(judge))
    }

    const fn lets_everybody_in(&self) -> bool {
        let addresses = !self.allow.is_empty() || !self.deny.is_empty() || self.domain.is_some();
        let mechanism = self.plain_passwords.is_some() || self.curve_secret.is_some();
        self.policy.is_none() && !addresses && !mechanism
    }

    fn by_address(&self) -> Result<Authenticator, Failure> {
        let mut judge = Authenticator::new();
        for rule in &self.allow {
            judge =
                judge.allow(rule).map_err(|error| Failure::usage(format!("--allow: {error}")))?;
        }
        for rule in &self.deny {
            judge = judge.deny(rule).map_err(|error| Failure::usage(format!("--deny: {error}")))?;
        }
        Ok(judge)
    }

    /// The policy in a file, if anybody comes in under the mechanism of this side.
    fn policy(&self, file: &Path) -> Result<Policy, Failure> {
        let policy = crate::policy::read(file)?;
        let (mechanism, others) = if self.plain {
            (MechanismName::PLAIN, "leave --plain out for another mechanism")
        } else if self.curve_secret.is_some() {
            (MechanismName::CURVE, "leave the secret key of this side out for another mechanism")
        } else {
            (MechanismName::NULL, "give the secret key of this side for CURVE, or --plain")
        };
        if policy.lets_in(mechanism) {
            return Ok(policy);
        }
        let file = file.display();
        Err(Failure::usage(format!("{file}: lets nobody in under {mechanism}: {others}")))
    }

    fn client_keys(&self) -> Result<CurveKeys, Failure> {
        let Some(directory) = &self.authorized_keys else { return Ok(CurveKeys::AllowAny) };
        Ok(client_keys(directory)?.into())
    }
}

/// The certificates in a directory. What was left out is told.
pub(crate) fn client_keys(directory: &Path) -> Result<CertificateStore, Failure> {
    let store = CertificateStore::load(directory).map_err(Failure::usage)?;
    for problem in store.problems() {
        output::note(format_args!("{} {problem}", output::styled(output::NOTE, "left out:")));
    }
    if store.keys().is_empty() {
        let text = format!("{}: no client key here, nobody will be let in", directory.display());
        output::note(output::styled(output::NOTE, text));
    }
    Ok(store)
}

/// The users in a file.
pub(crate) fn users(file: &Path) -> Result<Passwords, Failure> {
    let users = Passwords::load(file).map_err(Failure::usage)?;
    warn_of_exposed(file);
    Ok(users)
}

impl ClientFlags {
    pub(crate) fn security(&self) -> Result<Security, Failure> {
        if let Some(user) = &self.plain_user {
            let password =
                password(user, self.plain_password_file.as_deref(), "--plain-password-file")?;
            return Security::plain_client(user, password.as_slice())
                .map_err(|error| Failure::usage(format!("--plain-user {user}: {error}")));
        }
        let Some(server_key) = &self.server_key else { return Ok(Security::null()) };
        let keys = match &self.curve_secret {
            Some(file) => KeyPair::from_secret(read_secret(file)?),
            None => curve_keypair().map_err(Failure::broken)?,
        };
        let server_key = read_public(server_key, "--server-key")?;
        Security::curve_client(keys, server_key)
            .map_err(|error| Failure::usage(format!("--server-key: {error}")))
    }
}

/// The password of `user`: from the file that a flag names, the variable, or a prompt.
pub(crate) fn password(
    user: &str,
    file: Option<&Path>,
    flag: &str,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let Some(file) = file {
        let mut password = if is_stdin(file) {
            read_stdin()?
        } else {
            warn_of_exposed(file);
            read_small(file)?
        };
        if password.ends_with(b"\n") {
            password.pop();
        }
        if password.ends_with(b"\r") {
            password.pop();
        }
        return Ok(password);
    }
    if let Some(password) = std::env::var_os(PASSWORD_VARIABLE) {
        return Ok(Zeroizing::new(password.into_encoded_bytes()));
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "no password for {user}: name a file with {flag}, or set {PASSWORD_VARIABLE}"
        )));
    }
    let password = rpassword::prompt_password(format!("Password of {user}: "))
        .map_err(|error| Failure::usage(format!("no password: {error}")))?;
    Ok(Zeroizing::new(password.into_bytes()))
}

/// Reads the files that `judge` goes by again when they change, and tells what came of it.
pub(crate) fn watch_files(judge: &Authenticator, watch: Watch, json: bool) -> Result<(), Failure> {
    if judge.policy().sources().is_empty() {
        return Ok(());
    }
    let watch = watch.tell(move |reload| tell(reload, json));
    let watching = judge.watch(watch).map_err(Failure::broken)?;
    // Its sockets are open to the end of the command.
    std::mem::forget(watching);
    Ok(())
}

fn tell(reload: &Reload, json: bool) {
    let changed: Vec<_> = reload.changed.iter().map(|file| file.to_string_lossy()).collect();
    if json {
        let problems = reload.problems.iter().map(ToString::to_string);
        return output::note(json!({
            "event": "reloaded",
            "changed": changed,
            "problems": problems.collect::<Vec<_>>(),
            "left_out": reload.left_out,
            "generation": reload.generation,
        }));
    }
    for problem in &reload.problems {
        let kept = output::styled(output::BAD, "kept as it was:");
        output::note(format_args!("{kept} {}", output::harmless(&problem.to_string())));
    }
    for problem in &reload.left_out {
        let left_out = output::styled(output::NOTE, "left out:");
        output::note(format_args!("{left_out} {}", output::harmless(problem)));
    }
    if reload.problems.is_empty() {
        output::note(format_args!("read again: {}", output::harmless(&changed.join(", "))));
    }
}

/// Insists on an endpoint that another process may listen at.
pub(crate) fn reachable(endpoint: &Endpoint) -> Result<(), Failure> {
    endpoint.check_connect().map_err(Failure::usage)?;
    not_inproc(endpoint)
}

/// Insists on an endpoint that another process can use.
pub(crate) fn not_inproc(endpoint: &Endpoint) -> Result<(), Failure> {
    match endpoint {
        Endpoint::Inproc(_) => Err(Failure::usage(format!(
            "{endpoint}: inproc connects sockets of one process; use tcp:// or ipc:// between two"
        ))),
        _ => Ok(()),
    }
}
