//! A handshake of one side under test with a proper partner, whose words are spoilt on the way.

use arbitrary::Arbitrary;
use zmtp_core::Message;
use zmtp_core::auth::{AuthDecision, Refusal};
use zmtp_core::mechanism::Role;

use super::boxes::Boxes;
use super::node::{Cut, Node};
use super::side::{Kind, other};
use super::wire::{Arrival, Op, Wire};
use super::{naive, octets, plan, secrets};

/// What happens.
#[derive(Debug, Clone, Default, Arbitrary)]
pub struct Plan {
    boxes: u8,
    cut: u8,
    answer: Answer,
    ops: Vec<Op>,
    /// What the partner says when it is content.
    messages: Vec<Vec<u8>>,
}

/// What the authenticator of a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Arbitrary)]
enum Answer {
    #[default]
    Accept,
    Temporary,
    Failure,
    Internal,
    Never,
}

impl Answer {
    fn decision(self) -> Option<AuthDecision> {
        let refuse = |status| Some(AuthDecision::refuse(status, "the fuzzer says no"));
        match self {
            Self::Accept => Some(AuthDecision::accept()),
            Self::Temporary => refuse(Refusal::Temporary),
            Self::Failure => refuse(Refusal::Failure),
            Self::Internal => refuse(Refusal::Internal),
            Self::Never => None,
        }
    }
}

/// A target: the plan is in the octets.
pub fn run(kind: impl Fn(Boxes) -> Kind, role: Role, data: &[u8]) {
    let plan: Plan = plan::read(data);
    let kind = kind(Boxes::choose(plan.boxes));
    let (subject, partner) = play(&plan, kind, role);
    check(&plan, kind, role, &subject, &partner);
    let (again, _) = play(&plan, kind, role);
    assert_eq!(subject.verdict(), again.verdict(), "the same plan, twice");
}

/// The octets that the side under test is given, to be said to other implementations.
#[must_use]
pub fn octets(kind: Kind, role: Role, data: &[u8]) -> Vec<u8> {
    play(&plan::read(data), kind, role).0.fed
}

/// Both sides, after all that was planned.
fn play(plan: &Plan, kind: Kind, role: Role) -> (Node, Node) {
    let cut = if plan.cut == 0 { Cut::Whole } else { Cut::Every(usize::from(plan.cut)) };
    let mut subject = Node::new(kind.side(role), 1, cut);
    subject.answer = plan.answer.decision();
    let mut partner = Node::new(kind.side(other(role)), 101, Cut::Whole);
    let (mut wire, mut ops) = (Wire::default(), plan.ops.iter());
    let (mut told, mut messages) = (0, plan.messages.iter());
    loop {
        partner.feed(&subject.output[told..]);
        told = subject.output.len();
        wire.take(&partner.output);
        if wire.is_empty() {
            let Some(message) = messages.next() else { break };
            if !partner.send(&Message::from(message.clone())) {
                break;
            }
            continue;
        }
        for arrival in wire.next(ops.next().unwrap_or(&Op::Pass)) {
            match arrival {
                Arrival::Octets(octets) => subject.feed(&octets),
                Arrival::End => subject.end(),
                Arrival::Time(time) => subject.wait(time),
            }
        }
    }
    (subject, partner)
}

fn check(plan: &Plan, kind: Kind, role: Role, subject: &Node, partner: &Node) {
    let established = subject.peer().is_some();
    let is_judge = role == Role::Server && kind != Kind::Null;
    if plan.answer != Answer::Accept && is_judge {
        assert!(!established, "let in though the authenticator did not");
    }
    if plan.ops.iter().all(|op| matches!(op, Op::Pass | Op::Long))
        && (plan.answer == Answer::Accept || !is_judge)
    {
        assert!(established, "nothing happened on the way: {:?}", subject.error);
    }
    let proper = match kind {
        Kind::Null | Kind::Plain => naive::handshake(kind.name(), role, &subject.fed),
        Kind::Curve(_) => is_as_said(role, &subject.fed, &partner.output),
    };
    assert!(proper || !established, "let in without a proper handshake");
    let disturbed = |op: &Op| matches!(op, Op::Close | Op::Wait(_));
    let must = kind == Kind::Null || (kind == Kind::Plain && plan.answer == Answer::Accept);
    if must && proper && !plan.ops.iter().any(disturbed) {
        assert!(established, "not let in after a proper handshake: {:?}", subject.error);
    }
    if let Kind::Curve(_) = kind {
        let said: Vec<_> = plan.messages.iter().cloned().map(Message::from).collect();
        let mut rest = said.iter();
        let heard = subject.messages();
        assert!(heard.iter().all(|it| rest.any(|said| said == it)), "{heard:?} of {said:?}");
    }
    output(kind, role, subject);
}

/// Whether the handshake that arrived is the one that was said, but for what CURVE leaves open.
fn is_as_said(role: Role, arrived: &[u8], said: &[u8]) -> bool {
    let greeting = |octets| naive::greeting(octets).map(|greeting| greeting.mechanism);
    let frames = |octets: &[u8]| naive::frames(octets.get(64..).unwrap_or_default());
    let commands = |octets: &[u8]| frames(octets).into_iter().take(2).collect::<Vec<_>>();
    // HELLO and INITIATE one way, WELCOME and READY the other.
    let whole = commands(arrived).len() == 2;
    let server_too =
        role == Role::Client || naive::greeting(arrived).is_some_and(|it| !it.as_server);
    whole
        && server_too
        && greeting(arrived) == greeting(said)
        && commands(arrived) == commands(said)
}

/// What the side under test said.
fn output(kind: Kind, role: Role, subject: &Node) {
    let said = naive::frames(subject.output.get(64..).unwrap_or_default());
    let error = |(flags, body): &(u8, Vec<u8>)| {
        *flags == 4 && naive::command(body).is_some_and(|(name, _)| name == b"ERROR")
    };
    let errors = said.iter().filter(|frame| error(frame)).count();
    let may_refuse = role == Role::Server || kind == Kind::Null;
    assert!(errors == 0 || (may_refuse && errors == 1 && said.last().is_some_and(error)));
    let plain = subject.fed.get(..64).is_some_and(|greeting| {
        greeting[12..32] == octets::greeting("PLAIN", false)[12..32] && kind == Kind::Plain
    });
    assert!(plain || !secrets::contains(&subject.output, secrets::PASSWORD), "a password left");
    assert!(!secrets::contains(&subject.output, &secrets::CLIENT), "a secret key left");
    assert!(!secrets::contains(&subject.output, &secrets::SERVER), "a secret key left");
    if subject.peer().is_none() {
        let most = subject.fed.len() + 64 + 300;
        assert!(subject.output.len() <= most, "a stranger gets more than it gives");
    }
}
