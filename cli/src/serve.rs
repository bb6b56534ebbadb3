//! `zap serve`: decides for other programs by 27/ZAP.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Args, Subcommand};
use ironhouse::{AuthEvent, Authenticator, Endpoint, Options, Policy, Router, Security, serve_zap};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use zap::{GuardLimits, Watch as Files};
use zmtp_core::auth::AuthStatus;
use zmtp_core::wire::greeting::MechanismName;

use crate::exit::Failure;
use crate::interrupts::Interrupts;
use crate::output::{BAD, GOOD, NOTE, harmless, line, note, styled};
use crate::policy;
use crate::security::{ProgramFlags, client_keys, not_inproc, users, watch_files};
use crate::watch::Watch;

/// Decisions that may wait to be told.
const UNTOLD: usize = 1024;

/// Decide for other programs, by ZAP.
///
/// Exit codes: see `ironhouse zap serve --help`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Each says what it does where its arguments are.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(Serve),
}

/// Answer the ZAP requests of other programs, all by one policy.
///
/// Programs on ironhouse ask with a RemoteAuthenticator; those on libzmq forward what comes to
/// inproc://zeromq.zap.01, for instance with a proxy of a ROUTER there and a DEALER here.
///
/// The first line on standard output says where it listens. Programs that are served or refused are
/// logged to standard error, and so is each decision with all that is known of the peer but secrets. A
/// request does not tell at which endpoint the peer came in, so a policy with rules for listeners cannot
/// be served.
///
/// The policy and all that it names are read again when they change; what cannot be used then stays as it
/// was. Ends with exit code 0 at SIGINT or SIGTERM, with 2 for arguments, files or endpoints that cannot
/// be used, with 1 for all else.
#[derive(Debug, Args)]
struct Serve {
    /// Where programs ask, for example ipc:///run/zap or tcp://*:9100; tcp takes --curve-secret
    #[arg(long, value_name = "ENDPOINT")]
    bind: Endpoint,
    /// The policy file; see docs/policy.md
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present_any = ["keys", "users"],
        conflicts_with_all = ["keys", "users"]
    )]
    policy: Option<PathBuf>,
    /// In place of a policy: whose certificates are in this directory comes in under CURVE, into
    /// every domain; may be given several times
    #[arg(long, value_name = "DIRECTORY")]
    keys: Vec<PathBuf>,
    /// In place of a policy: who has a line USER=PASSWORD or USER:HASH in this file comes in under
    /// PLAIN, into every domain; may be given several times
    #[arg(long, value_name = "FILE")]
    users: Vec<PathBuf>,
    /// Puts the bans in this file in force, and writes those in force there at the end
    #[arg(long, value_name = "FILE")]
    bans: Option<PathBuf>,
    /// Prints and logs JSON lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    programs: ProgramFlags,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Command::Serve(serve) = arguments.command;
    let security = serve.security()?;
    let judge = Authenticator::from(serve.policy()?);
    watch_files(&judge, Files::new().only_if(check), serve.json)?;
    if let Some(file) = &serve.bans {
        import(&judge, file)?;
    }
    let interrupts = Interrupts::listen()?;
    let router = Router::new(Options::new().security(security)).map_err(Failure::usage)?;
    let watch = Watch { json: serve.json, serving: true, side: None };
    let watching = watch.run(router.monitor());
    let telling = Decisions::of(&judge).tell(serve.json);
    let endpoint = router.bind(&serve.bind).await.map_err(Failure::usage)?;
    if serve.json {
        line(json!({ "event": "listening", "endpoint": endpoint.to_string() }));
    } else {
        line(format_args!("listening on {endpoint}"));
    }
    tokio::spawn(watching);
    tokio::spawn(telling);
    let outcome = tokio::select! {
        ended = serve_zap(&router, judge.clone(), GuardLimits::default()) => {
            ended.map_err(Failure::broken)
        }
        () = interrupts.wait() => Ok(()),
    };
    if let Some(file) = &serve.bans {
        export(&judge, file)?;
    }
    outcome
}

impl Serve {
    /// Who may ask. Over tcp whoever is on the way could let anybody in, and read every password.
    fn security(&self) -> Result<Security, Failure> {
        not_inproc(&self.bind)?;
        let security = self.programs.security(self.json)?;
        let protected = security.mechanism().mechanism() == MechanismName::CURVE;
        if matches!(self.bind, Endpoint::Tcp(_)) && !protected {
            return Err(Failure::usage(format!(
                "{}: tcp needs CURVE, or anybody on the way could let anybody in and read passwords: \
                 give --curve-secret and --authorized-keys, or use ipc",
                self.bind
            )));
        }
        Ok(security)
    }

    fn policy(&self) -> Result<Policy, Failure> {
        let Some(file) = &self.policy else { return self.stores() };
        let policy = policy::read(file)?;
        let of_file = |text| Failure::usage(format!("{}: {text}", file.display()));
        check(&policy).map_err(of_file)?;
        Ok(policy)
    }

    /// A policy of keys and passwords in every domain, and of nothing else.
    fn stores(&self) -> Result<Policy, Failure> {
        let mut policy = Policy::new();
        policy.refuse_null();
        for directory in &self.keys {
            let keys = Arc::new(client_keys(directory)?);
            policy.add_provider("*", MechanismName::CURVE, keys).map_err(Failure::usage)?;
        }
        for file in &self.users {
            let users = Arc::new(users(file)?);
            policy.add_provider("*", MechanismName::PLAIN, users).map_err(Failure::usage)?;
        }
        Ok(policy)
    }
}

/// Whether a policy can be applied here, the first one or a later one.
fn check(policy: &Policy) -> Result<(), String> {
    match policy.listeners().next() {
        None => Ok(()),
        Some(pattern) => Err(format!(
            "the rules of [listeners.\"{}\"] cannot be applied here, because a ZAP request does not tell \
             the listener: move them to [addresses] or to a domain",
            harmless(pattern)
        )),
    }
}

/// Bans of an earlier run, if there was one.
fn import(judge: &Authenticator, file: &Path) -> Result<(), Failure> {
    let name = file.display();
    match fs::read_to_string(file) {
        Ok(text) => judge
            .import_bans(&text)
            .map(drop)
            .map_err(|error| Failure::usage(format!("{name}, {error}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::usage(format!("{name}: {error}"))),
    }
}

/// Replaces the file in one step, so that a reader finds the old bans or the new ones.
fn export(judge: &Authenticator, file: &Path) -> Result<(), Failure> {
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    fs::write(&temporary, judge.export_bans())
        .and_then(|()| fs::rename(&temporary, file))
        .map_err(|error| Failure::broken(format!("{}: {error}", file.display())))
}

/// Decisions on their way to standard error, which may be slower than they are.
struct Decisions {
    coming: mpsc::Receiver<Arc<AuthEvent>>,
    missed: Arc<AtomicUsize>,
}

impl Decisions {
    /// Those of `judge` from now on.
    fn of(judge: &Authenticator) -> Self {
        let (sender, coming) = mpsc::channel(UNTOLD);
        let missed = Arc::new(AtomicUsize::new(0));
        let count = missed.clone();
        judge.tell(move |event: &Arc<AuthEvent>| {
            if sender.try_send(event.clone()).is_err() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { coming, missed }
    }

    async fn tell(mut self, json: bool) {
        while let Some(event) = self.coming.recv().await {
            match self.missed.swap(0, Ordering::Relaxed) {
                0 => {}
                count if json => note(json!({ "event": "missed", "count": count })),
                count => note(format_args!("{count} decisions were not shown")),
            }
            if json { note(to_json(&event)) } else { note(to_line(&event)) }
        }
    }
}

fn to_json(event: &AuthEvent) -> Value {
    let mut value: Value = serde_json::from_str(&event.to_json()).unwrap_or_default();
    value["event"] = "decision".into();
    value
}

/// `denied   192.0.2.7:5000  CURVE  domain "lab"  claim KEY  400 Unknown key  (certificates in keys)`
fn to_line(event: &AuthEvent) -> String {
    let AuthEvent { address, mechanism, domain, claim, status, text, .. } = event;
    let (style, word) = match status {
        AuthStatus::Success => (GOOD, "accepted"),
        AuthStatus::TemporaryError => (NOTE, "denied"),
        _ => (BAD, "denied"),
    };
    let word = styled(style, format_args!("{word:<8}"));
    let who = match &event.user_id {
        Some(user) => format!("user {}", harmless(user.as_str())),
        None => format!("claim {claim}"),
    };
    let file = event.file.as_ref().map(|file| file.display().to_string());
    let provider = event.provider.as_ref().map(ToString::to_string);
    let by = file.or(provider).or_else(|| event.rule.clone());
    let by = by.map_or_else(String::new, |by| format!("  ({})", harmless(&by)));
    format!(
        "{word}  {address}  {mechanism}  domain \"{domain}\"  {who}  {} {text}{by}",
        status.code()
    )
}
