//! `policy explain`: what a policy makes of a peer, step by step.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use zap::{Decision, Step, Went, decide_patiently};
use zmtp_core::auth::{AuthDecision, AuthRequest, Credentials, Domain, Secret};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

use super::read;
use crate::exit::{Class, Failure};
use crate::on_runtime;
use crate::output::{BAD, GOOD, HEAD, NOTE, harmless, line, styled};
use crate::security::{DEFAULT_DOMAIN, password, read_public};

/// Say what a policy file makes of a peer, step by step, without any peer.
///
/// The decision is the one that a server makes by this policy now, but for its limits on how often a
/// peer may come, which are not applied. Nothing is counted, and nobody is told.
///
/// Exit codes: 0 the peer is let in; 3 it is refused; 2 usage, or a policy that cannot be used.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The policy file
    #[arg(value_name = "FILE", required_unless_present = "policy")]
    file: Option<PathBuf>,
    /// The same
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    policy: Option<PathBuf>,
    /// Under which mechanism the peer comes
    #[arg(long, value_name = "MECHANISM", value_enum, ignore_case = true)]
    mechanism: Mechanism,
    /// Where the peer is: an IP address, unix:uid=NUMBER,gid=NUMBER or inproc
    #[arg(long, value_name = "ADDRESS", value_parser = peer_address)]
    address: PeerAddress,
    /// The domain of the server; without it, global under NULL, else none
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// The endpoint at which the server listens, for the rules of listeners
    #[arg(long, value_name = "ENDPOINT")]
    listener: Option<String>,
    /// PLAIN: the user name; GSSAPI: the principal
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// PLAIN: a file with the password, - for standard input; without it, the variable
    /// IRONHOUSE_PLAIN_PASSWORD or a prompt
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// CURVE: the public key of the peer, as 40 characters or a file
    #[arg(long, value_name = "KEY|FILE", allow_hyphen_values = true)]
    key: Option<String>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mechanism {
    Null,
    Plain,
    Curve,
    Gssapi,
}

impl Mechanism {
    const fn name(self) -> MechanismName {
        match self {
            Self::Null => MechanismName::NULL,
            Self::Plain => MechanismName::PLAIN,
            Self::Curve => MechanismName::CURVE,
            Self::Gssapi => MechanismName::GSSAPI,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let asked = ask(arguments).inspect_err(|failure| failure.tell_scripts(arguments.json));
    let (request, decision) = asked?;
    if arguments.json {
        line(to_json(&request, &decision));
    } else {
        tell(&request, &decision);
    }
    match decision.verdict {
        AuthDecision::Accept { .. } => Ok(()),
        AuthDecision::Refuse { .. } => Err(Failure::shown(Class::Refused)),
    }
}

fn ask(arguments: &Arguments) -> Result<(AuthRequest, Decision), Failure> {
    let file = arguments.file.as_ref().or(arguments.policy.as_ref());
    let policy = read(file.ok_or_else(|| Failure::usage("which policy file?"))?)?;
    if arguments.listener.is_none() && policy.listeners().next().is_some() {
        let text =
            "this policy has rules for listeners: say with --listener where the peer comes in";
        return Err(Failure::usage(text));
    }
    let request = arguments.request()?;
    on_runtime(async move {
        let decision = decide_patiently(&policy, &request, SystemTime::now()).await;
        Ok((request, decision))
    })
}

impl Arguments {
    fn request(&self) -> Result<AuthRequest, Failure> {
        let default = if self.mechanism == Mechanism::Null { DEFAULT_DOMAIN } else { "" };
        let domain = self.domain.as_deref().unwrap_or(default);
        let domain = Domain::new(domain)
            .ok_or_else(|| Failure::usage("--domain: a domain has at most 255 octets"))?;
        Ok(AuthRequest {
            domain,
            address: self.address.clone(),
            listener: Arc::from(self.listener.as_deref().unwrap_or_default()),
            routing_id: RoutingId::default(),
            mechanism: self.mechanism.name(),
            credentials: self.credentials()?,
            metadata: Metadata::new(),
        })
    }

    fn credentials(&self) -> Result<Credentials, Failure> {
        let Self { mechanism, user, key, password_file, .. } = self;
        match (mechanism, user, key, password_file) {
            (Mechanism::Null, None, None, None) => Ok(Credentials::Null),
            (Mechanism::Plain, Some(user), None, file) => {
                let password = password(user, file.as_deref(), "--password-file")?;
                Ok(Credentials::Plain {
                    username: user.clone().into(),
                    password: Secret::new(password.to_vec()),
                })
            }
            (Mechanism::Curve, None, Some(key), None) => {
                let public_key = *read_public(key, "--key")?.as_bytes();
                Ok(Credentials::Curve { public_key })
            }
            (Mechanism::Gssapi, Some(user), None, None) => {
                Ok(Credentials::Other(vec![Secret::new(user.as_bytes().to_vec())]))
            }
            (Mechanism::Null, ..) => Err(Failure::usage(
                "NULL presents nothing: leave --user, --password-file and --key out",
            )),
            (Mechanism::Plain, ..) => Err(Failure::usage("PLAIN needs --user, and has no --key")),
            (Mechanism::Curve, ..) => {
                Err(Failure::usage("CURVE needs --key, and has no --user and --password-file"))
            }
            (Mechanism::Gssapi, ..) => Err(Failure::usage(
                "GSSAPI needs --user, the principal, and has no --password-file and --key",
            )),
        }
    }
}

/// As address rules name them, or as the log does.
fn peer_address(text: &str) -> Result<PeerAddress, String> {
    if text == "inproc" {
        return Ok(PeerAddress::Inproc);
    }
    if let Some(process) = text.strip_prefix("unix:").and_then(process) {
        return Ok(process);
    }
    let alone = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    alone.or_else(|_| text.parse()).map(PeerAddress::Ip).map_err(|_| {
        "expected an IP address, unix:uid=NUMBER,gid=NUMBER or inproc; host names are not looked up"
            .to_owned()
    })
}

fn process(text: &str) -> Option<PeerAddress> {
    let (uid, gid) = text.split_once(',')?;
    let uid = uid.strip_prefix("uid=")?.parse().ok()?;
    let gid = gid.strip_prefix("gid=")?.parse().ok()?;
    Some(PeerAddress::Process { uid, gid, pid: None })
}

const fn went(step: &Step) -> &'static str {
    match step.went() {
        Went::Pass => "pass",
        Went::Abstain => "abstain",
        Went::Refuse => "refuse",
    }
}

fn tell(request: &AuthRequest, decision: &Decision) {
    for step in &decision.steps {
        let style = match step.went() {
            Went::Pass => GOOD,
            Went::Abstain => NOTE,
            Went::Refuse => BAD,
        };
        line(format_args!(
            "{}  {}  {}",
            styled(HEAD, format_args!("{:<8}", step.name())),
            styled(style, format_args!("{:<7}", went(step))),
            harmless(&step.to_string())
        ));
    }
    let (mechanism, domain) = (request.mechanism, &request.domain);
    let of = format!("{mechanism} in the domain \"{domain}\"");
    let status = decision.status().code();
    match &decision.verdict {
        AuthDecision::Accept { user_id, .. } => {
            let user = user_id.as_ref().map_or("nobody".into(), |user| harmless(user.as_str()));
            line(format_args!("{}  {of}: {status}, as {user}", styled(GOOD, "let in")));
        }
        AuthDecision::Refuse { text, .. } => {
            let refused = styled(BAD, "refused");
            line(format_args!("{refused}  {of}: {status}, {}", harmless(text)));
        }
    }
}

fn to_json(request: &AuthRequest, decision: &Decision) -> Value {
    let step =
        |step: &Step| json!({ "step": step.name(), "went": went(step), "text": step.to_string() });
    let (accepted, user, text) = match &decision.verdict {
        AuthDecision::Accept { user_id, .. } => {
            (true, user_id.as_ref().map(|user| user.as_str().to_owned()), "OK")
        }
        AuthDecision::Refuse { text, .. } => (false, None, &**text),
    };
    json!({
        "accepted": accepted,
        "status": decision.status().code(),
        "text": text,
        "user": user,
        "mechanism": request.mechanism.to_string(),
        "domain": request.domain.as_str(),
        "steps": decision.steps.iter().map(step).collect::<Vec<_>>(),
    })
}
