//! The flags of a side that may be the server or the client, whichever way it connects.

use std::path::PathBuf;

use clap::Args;
use ironhouse::Security;

use super::{ClientFlags, ServerFlags};
use crate::exit::Failure;

/// The flags of one side, their names with a prefix where a command has several sides.
macro_rules! side {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $heading:literal) => {
        $(#[$doc])*
        #[derive(Debug, Args)]
        #[command(next_help_heading = $heading)]
        pub(crate) struct $name {
            /// Server, or no security: a policy file that says who comes in, in place of the flags
            /// below that do; see docs/policy.md
            #[arg(id = concat!($prefix, "policy"), long = concat!($prefix, "policy"), value_name = "FILE")]
            policy: Option<PathBuf>,
            /// Server of PLAIN, for the users that the policy knows
            #[arg(id = concat!($prefix, "plain"), long = concat!($prefix, "plain"))]
            plain: bool,
            /// CURVE: the secret certificate of this side, as server or as client; without it, a
            /// client takes a new key that nobody knows
            #[arg(id = concat!($prefix, "curve-secret"), long = concat!($prefix, "curve-secret"), value_name = "FILE")]
            curve_secret: Option<PathBuf>,
            /// Server of CURVE: a directory with the public certificate of each client
            #[arg(id = concat!($prefix, "authorized-keys"), long = concat!($prefix, "authorized-keys"), value_name = "DIRECTORY")]
            authorized_keys: Option<PathBuf>,
            /// Server of CURVE: lets clients with any key in
            #[arg(id = concat!($prefix, "allow-any-client"), long = concat!($prefix, "allow-any-client"))]
            allow_any_client: bool,
            /// Client of CURVE: the public key of the server, as 40 characters or a file
            #[arg(
                id = concat!($prefix, "server-key"),
                long = concat!($prefix, "server-key"),
                value_name = "KEY|FILE",
                allow_hyphen_values = true
            )]
            server_key: Option<String>,
            /// Server of PLAIN: a file with a line USER=PASSWORD for each user
            #[arg(id = concat!($prefix, "plain-passwords"), long = concat!($prefix, "plain-passwords"), value_name = "FILE")]
            plain_passwords: Option<PathBuf>,
            /// Client of PLAIN: the user name
            #[arg(id = concat!($prefix, "plain-user"), long = concat!($prefix, "plain-user"), value_name = "USER")]
            plain_user: Option<String>,
            /// Client of PLAIN: a file with the password, - for standard input; without it, the
            /// variable IRONHOUSE_PLAIN_PASSWORD or a prompt
            #[arg(id = concat!($prefix, "plain-password-file"), long = concat!($prefix, "plain-password-file"), value_name = "FILE")]
            plain_password_file: Option<PathBuf>,
            /// Server, or no security: the domain to authenticate in
            #[arg(id = concat!($prefix, "domain"), long = concat!($prefix, "domain"), value_name = "DOMAIN")]
            domain: Option<String>,
            /// Server, or no security: lets only peers from here in: an address, a block such as
            /// 192.0.2.0/24, loopback, private, unix, unix:uid=NUMBER
            #[arg(id = concat!($prefix, "allow"), long = concat!($prefix, "allow"), value_name = "CIDR")]
            allow: Vec<String>,
            /// Server, or no security: keeps peers from here out
            #[arg(id = concat!($prefix, "deny"), long = concat!($prefix, "deny"), value_name = "CIDR")]
            deny: Vec<String>,
        }

        impl $name {
            /// As the flags have it, if they fit together.
            pub(crate) fn security(&self, json: bool) -> Result<Security, Failure> {
                let server = ServerFlags {
                    policy: self.policy.clone(),
                    plain: self.plain,
                    plain_passwords: self.plain_passwords.clone(),
                    curve_secret: self.curve_secret.clone(),
                    authorized_keys: self.authorized_keys.clone(),
                    allow_any_client: self.allow_any_client,
                    domain: self.domain.clone(),
                    allow: self.allow.clone(),
                    deny: self.deny.clone(),
                };
                let client = ClientFlags {
                    plain_user: self.plain_user.clone(),
                    plain_password_file: self.plain_password_file.clone(),
                    curve_secret: self.curve_secret.clone(),
                    server_key: self.server_key.clone(),
                };
                decide($prefix, &server, &client, json)
            }
        }
    };
}

side!(
    /// Who this side is, and whom it lets in. Without any of these flags: nobody, and everybody (NULL).
    Side, "", "Security: server or client, whichever side connects"
);
side!(
    /// The same in front of a proxy.
    Frontend, "frontend-", "Security of the frontend"
);
side!(
    /// The same behind a proxy.
    Backend, "backend-", "Security of the backend"
);
side!(
    /// The same where a proxy hands out copies.
    Capture, "capture-", "Security of the copies"
);

/// Which of the two this side is.
fn decide(
    prefix: &str,
    server: &ServerFlags,
    client: &ClientFlags,
    json: bool,
) -> Result<Security, Failure> {
    let named = |names: &[(&'static str, bool)]| -> Vec<String> {
        let given = names.iter().filter(|(_, given)| *given);
        given.map(|(name, _)| format!("--{prefix}{name}")).collect()
    };
    let serves = named(&[
        ("authorized-keys", server.authorized_keys.is_some()),
        ("allow-any-client", server.allow_any_client),
        ("plain-passwords", server.plain_passwords.is_some()),
        ("policy", server.policy.is_some()),
    ]);
    let asks = named(&[
        ("server-key", client.server_key.is_some()),
        ("plain-user", client.plain_user.is_some()),
    ]);
    let rules = named(&[("allow", !server.allow.is_empty()), ("deny", !server.deny.is_empty())]);
    let judges = [named(&[("domain", server.domain.is_some())]), rules.clone()].concat();
    let curve = server.curve_secret.is_some();
    let policy = server.policy.is_some();
    let fault = match (&serves[..], &asks[..]) {
        ([serving, ..], [asking, ..]) => Some(format!(
            "{serving} makes this side the server and {asking} makes it the client: give one"
        )),
        ([first, second, ..], _) | (_, [first, second, ..]) => {
            Some(format!("{first} and {second} exclude each other"))
        }
        _ if server.plain && !policy => Some(format!("--{prefix}plain needs --{prefix}policy")),
        _ if server.plain && curve => {
            Some(format!("--{prefix}plain and --{prefix}curve-secret exclude each other"))
        }
        ([], [asking]) if !judges.is_empty() => Some(format!(
            "{} is for servers, and {asking} makes this side the client",
            judges.join(", ")
        )),
        _ if policy && !rules.is_empty() => {
            Some(format!("--{prefix}policy and {} exclude each other", rules.join(", ")))
        }
        ([serving], []) if server.plain_passwords.is_none() && !curve && !policy => {
            Some(format!("{serving} needs --{prefix}curve-secret, the key of this side"))
        }
        ([mechanism], []) | ([], [mechanism])
            if curve
                && !policy
                && server.authorized_keys.is_none()
                && !server.allow_any_client
                && client.server_key.is_none() =>
        {
            Some(format!("{mechanism} and --{prefix}curve-secret exclude each other"))
        }
        ([], []) if curve => Some(format!(
            "--{prefix}curve-secret needs --{prefix}authorized-keys, --{prefix}allow-any-client or \
             --{prefix}policy on the server, --{prefix}server-key on the client"
        )),
        _ if client.plain_password_file.is_some() && client.plain_user.is_none() => {
            Some(format!("--{prefix}plain-password-file needs --{prefix}plain-user"))
        }
        _ => None,
    };
    if let Some(fault) = fault {
        return Err(Failure::usage(fault));
    }
    if asks.is_empty() { server.security(json) } else { client.security() }
}
