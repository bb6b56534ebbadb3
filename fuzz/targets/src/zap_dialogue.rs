//! Questions to an authenticator behind its guard, answers early, late, never and by panic, and a clock.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use zap::{GuardLimits, Guarded, Sleep, Timer};
use zmtp_core::auth::{
    AuthDecision, AuthRequest, AuthStatus, Authenticator, Credentials, Domain, PendingDecision,
    Refusal, Secret, UserId,
};
use zmtp_core::peer::{PeerAddress, RoutingId};
use zmtp_core::wire::greeting::MechanismName;
use zmtp_core::wire::metadata::Metadata;

use crate::common::{plan, secrets};

#[derive(Debug, Default, Arbitrary)]
struct Plan {
    /// Decisions that may be pending.
    pending: u8,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    /// A peer comes; the authenticator does this when asked.
    Ask(Reaction),
    /// The authenticator answers one of those that wait.
    Answer(u8, Reply),
    /// A peer leaves.
    Leave(u8),
    /// Tenths of a second pass.
    Wait(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
enum Reaction {
    Waits,
    PanicsAtOnce,
    Says(Reply),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
enum Reply {
    Accept,
    /// With a property that would pass for a fact.
    Pretend,
    Refuse(u8),
    Panic,
}

impl Reply {
    fn status(self) -> AuthStatus {
        match self {
            Self::Accept => AuthStatus::Success,
            Self::Pretend | Self::Panic => AuthStatus::InternalError,
            Self::Refuse(status) => refusal(status).status(),
        }
    }

    fn decision(self) -> AuthDecision {
        match self {
            Self::Accept => AuthDecision::accept(),
            Self::Pretend => {
                let mut metadata = Metadata::new();
                metadata.push("User-Id", "root").expect("short");
                AuthDecision::Accept { user_id: UserId::new("user"), metadata }
            }
            Self::Refuse(status) => AuthDecision::refuse(refusal(status), "no"),
            Self::Panic => panics(),
        }
    }
}

/// Without a word of the panic hook. Where a panic cannot be caught, as in the fuzzers, an authenticator
/// that says as much.
fn panics() -> AuthDecision {
    if cfg!(panic = "unwind") {
        resume_unwind(Box::new("the fuzzer says panic"))
    }
    AuthDecision::refuse(Refusal::Internal, "the fuzzer says panic")
}

fn refusal(status: u8) -> Refusal {
    [Refusal::Temporary, Refusal::Failure, Refusal::Internal][usize::from(status % 3)]
}

/// A clock, and everything that shares it.
#[derive(Debug, Clone, Default)]
struct World(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    now: Duration,
    reactions: VecDeque<Reaction>,
    answers: Vec<Option<Reply>>,
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timer for World {
    fn sleep(&self, duration: Duration) -> Sleep {
        let (world, end) = (self.clone(), self.state().now + duration);
        Box::pin(std::future::poll_fn(move |_| match world.state().now >= end {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }))
    }
}

impl Authenticator for World {
    fn authenticate(&self, _: Arc<AuthRequest>) -> PendingDecision {
        let mut state = self.state();
        let at = state.answers.len();
        state.answers.push(None);
        let reaction = state.reactions.pop_front().unwrap_or(Reaction::Waits);
        drop(state);
        match reaction {
            Reaction::PanicsAtOnce => Box::pin(std::future::ready(panics())),
            Reaction::Says(reply) => Box::pin(std::future::poll_fn(move |_| {
                Poll::Ready(reply.decision())
            })),
            Reaction::Waits => {
                let world = self.clone();
                Box::pin(std::future::poll_fn(move |_| {
                    let answer = world.state().answers[at];
                    answer.map_or(Poll::Pending, |reply| Poll::Ready(reply.decision()))
                }))
            }
        }
    }
}

/// A peer that waits for a decision.
struct Waiting {
    decision: Pin<Box<dyn Future<Output = AuthDecision> + Send>>,
    asked_at: Duration,
    /// The number of its question; none if the authenticator was not asked.
    question: Option<usize>,
    reaction: Reaction,
}

/// How long a decision may take.
const TIME: Duration = Duration::from_secs(2);

/// Each question ends in one decision, the right one, and none outlives its time; a late answer
/// changes nothing.
pub fn run(data: &[u8]) {
    let plan: Plan = plan::read(data);
    let world = World::default();
    let most = usize::from(plan.pending % 8);
    let limits = GuardLimits { time: TIME, pending: most };
    let guarded = Guarded::new(world.clone(), world.clone(), limits);
    let mut waiting: Vec<Waiting> = Vec::new();
    for step in plan.steps.iter().take(100) {
        match step {
            Step::Ask(reaction) => {
                let asked_at = world.state().now;
                let pending = waiting.len();
                let question = (pending < most).then(|| world.state().answers.len());
                if question.is_some() {
                    world.state().reactions.push_back(*reaction);
                }
                let decision = guarded.authenticate(request());
                let asked = world.state().answers.len();
                assert_eq!(question.map_or(asked, |at| at + 1), asked, "asked unless too many wait");
                waiting.push(Waiting { decision, asked_at, question, reaction: *reaction });
            }
            Step::Answer(which, reply) => {
                let mut state = world.state();
                let count = state.answers.len();
                if let Some(at) = usize::from(*which).checked_rem(count) {
                    // Only the first answer counts.
                    state.answers[at].get_or_insert(*reply);
                }
            }
            Step::Leave(which) => {
                if let Some(at) = usize::from(*which).checked_rem(waiting.len()) {
                    drop(waiting.swap_remove(at));
                }
            }
            Step::Wait(tenths) => world.state().now += Duration::from_millis(100) * u32::from(*tenths),
        }
        poll(&world, &mut waiting);
    }
    world.state().now += TIME;
    poll(&world, &mut waiting);
    assert!(waiting.is_empty(), "a decision outlives its time");
}

/// Looks at everybody who waits; who was decided about is gone.
fn poll(world: &World, waiting: &mut Vec<Waiting>) {
    let mut context = Context::from_waker(Waker::noop());
    waiting.retain_mut(|it| {
        let late = world.state().now >= it.asked_at + TIME;
        let answer = it.question.and_then(|at| world.state().answers[at]);
        let expected = match (it.question, it.reaction, answer) {
            (None, ..) => Some(AuthStatus::TemporaryError),
            (_, Reaction::PanicsAtOnce, _) => Some(AuthStatus::InternalError),
            (_, Reaction::Says(reply), _) | (_, Reaction::Waits, Some(reply)) => Some(reply.status()),
            (_, Reaction::Waits, None) => late.then_some(AuthStatus::TemporaryError),
        };
        match it.decision.as_mut().poll(&mut context) {
            Poll::Ready(decision) => {
                assert_eq!(Some(decision.status()), expected);
                secrets::assert_not_in(&format!("{decision:?}"), &[]);
                false
            }
            Poll::Pending => {
                assert_eq!(expected, None);
                true
            }
        }
    });
}

fn request() -> Arc<AuthRequest> {
    let username = Bytes::from_static(secrets::USER);
    let password = Secret::new(secrets::PASSWORD.to_vec());
    let request = AuthRequest {
        domain: Domain::default(),
        address: PeerAddress::Unknown,
        listener: "tcp://fuzz".into(),
        routing_id: RoutingId::default(),
        mechanism: MechanismName::PLAIN,
        credentials: Credentials::Plain { username, password },
        metadata: Metadata::new(),
    };
    secrets::assert_not_in(&format!("{request:?}"), &[]);
    Arc::new(request)
}
