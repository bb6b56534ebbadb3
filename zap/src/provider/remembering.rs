//! Verdicts that took a while, remembered.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::Shared;
use zmtp_core::auth::{AuthRequest, Credentials, Refusal};

use super::{Answer, Grant, PendingVerdict, Provider, ReloadError, Statement, Verdict};
use crate::bounded::Bounded;
use crate::digest::digest;
use crate::guard::Isolated;
use crate::lock::lock;

/// Most questions of which a provider's answer is remembered.
const QUESTIONS: usize = 65_536;
/// When an answer that did not come is asked for anew.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long verdicts are remembered, counted from the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remember {
    /// That somebody may come in. Default: 1 min.
    pub accepted: Duration,
    /// That somebody may not, or is not known. Default: 5 s.
    pub refused: Duration,
}

impl Default for Remember {
    fn default() -> Self {
        Self { accepted: Duration::from_secs(60), refused: Duration::from_secs(5) }
    }
}

/// A slow provider that is asked once for the same question: those who ask meanwhile share the answer, and
/// it is remembered for a while. That it is broken or busy is not.
///
/// Questions are the same when domain, listener, address, routing id, credentials and properties are; when the
/// answer is there, no more of these is kept than a digest under a random key. Reading the provider's source again forgets
/// everything.
pub struct Remembering {
    provider: Arc<dyn Provider>,
    lifetimes: Remember,
    questions: Mutex<Bounded<u128, Question>>,
}

/// When it was asked, and the answer, there or not.
type Question = (SystemTime, Shared<PendingVerdict>);

impl Remembering {
    /// Remembers what `provider` says.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, lifetimes: Remember) -> Self {
        Self { provider, lifetimes, questions: Mutex::new(Bounded::new(QUESTIONS)) }
    }

    /// Whether an answer still counts. When the clock was set back behind the question, nobody can tell.
    fn counts(&self, (asked, answer): &Question, now: SystemTime) -> bool {
        let lifetime = match answer.peek() {
            None => PATIENCE,
            Some(Verdict::Accept(_)) => self.lifetimes.accepted,
            Some(Verdict::Abstain(_) | Verdict::Refuse { status: Refusal::Failure, .. }) => {
                self.lifetimes.refused
            }
            Some(Verdict::Refuse { .. }) => return false,
        };
        now.duration_since(*asked).is_ok_and(|age| age < lifetime)
    }
}

impl fmt::Debug for Remembering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remembering").field(&self.provider).finish()
    }
}

/// All that a provider may judge by.
fn digest_of(request: &AuthRequest) -> u128 {
    let address = request.address.zap_text();
    let mechanism = request.mechanism.to_string();
    let mut facts: Vec<&[u8]> = vec![
        request.domain.as_str().as_bytes(),
        request.listener.as_bytes(),
        address.as_bytes(),
        request.routing_id.as_bytes(),
        mechanism.as_bytes(),
    ];
    match &request.credentials {
        Credentials::Plain { username, password } => {
            facts.extend([&username[..], password.expose()])
        }
        Credentials::Curve { public_key } => facts.push(public_key),
        Credentials::Other(frames) => facts.extend(frames.iter().map(|frame| frame.expose())),
        _ => {}
    }
    facts.extend(request.metadata.iter().flat_map(|(name, value)| [name.as_bytes(), value]));
    digest(&facts)
}

impl Provider for Remembering {
    fn name(&self) -> Cow<'_, str> {
        self.provider.name()
    }

    fn judge(&self, request: &AuthRequest, now: SystemTime) -> Answer {
        let key = digest_of(request);
        let mut questions = lock(&self.questions);
        if let Some(question) = questions.get(&key)
            && self.counts(question, now)
        {
            return match question.1.peek() {
                Some(Verdict::Accept(grant)) => {
                    Verdict::Accept(Grant { remembered: true, ..grant.clone() }).into()
                }
                Some(verdict) => verdict.clone().into(),
                None => Answer::Later(Box::pin(question.1.clone())),
            };
        }
        let (provider, request) = (self.provider.clone(), request.clone());
        // Asked by whoever waits for it first, so that the table is not locked meanwhile.
        let verdict = Isolated::new(Box::pin(async move {
            match provider.judge(&request, now) {
                Answer::Now(verdict) => verdict,
                Answer::Later(pending) => pending.await,
                Answer::Blocks(work) => work.apart().await,
            }
        }));
        let verdict =
            verdict.map(|it| it.unwrap_or_else(|| Verdict::broken("A provider panicked")));
        let answer = (Box::pin(verdict) as PendingVerdict).shared();
        questions.insert(key, (now, answer.clone()));
        Answer::Later(Box::pin(answer))
    }

    fn retain(&self, request: &AuthRequest) -> Option<Credentials> {
        self.provider.retain(request)
    }

    fn source(&self) -> Option<&Path> {
        self.provider.source()
    }

    fn reload(&self) -> Option<Result<Arc<dyn Provider>, ReloadError>> {
        let anew = |provider| Arc::new(Self::new(provider, self.lifetimes)) as Arc<dyn Provider>;
        Some(self.provider.reload()?.map(anew))
    }

    fn left_out(&self) -> Vec<String> {
        self.provider.left_out()
    }

    fn statements(&self) -> Vec<Statement> {
        self.provider.statements()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Waker};

    use zmtp_core::auth::Domain;
    use zmtp_core::peer::{PeerAddress, RoutingId};
    use zmtp_core::wire::greeting::MechanismName;
    use zmtp_core::wire::metadata::Metadata;

    use super::*;
    use crate::provider::provider_fn;

    fn request(key: u32) -> AuthRequest {
        let mut public_key = [7; 32];
        public_key[..4].copy_from_slice(&key.to_be_bytes());
        AuthRequest {
            domain: Domain::default(),
            address: PeerAddress::Inproc,
            listener: Arc::from("inproc://a"),
            routing_id: RoutingId::default(),
            mechanism: MechanismName::CURVE,
            credentials: Credentials::Curve { public_key },
            metadata: Metadata::new(),
        }
    }

    /// Asks and waits no longer than one turn.
    fn ask(provider: &Remembering, key: u32, now: SystemTime) {
        if let Answer::Later(mut verdict) = provider.judge(&request(key), now) {
            _ = verdict.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
    }

    #[test]
    fn a_question_that_hangs_is_asked_anew_after_ten_seconds() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let hangs = provider_fn("hangs", move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<bool>()
        });
        let provider = Remembering::new(Arc::new(hangs), Remember::default());
        let begin = SystemTime::UNIX_EPOCH + PATIENCE;
        for (later, times) in [(0, 1), (1, 1), (9_999, 1), (10_000, 2), (19_999, 2), (20_000, 3)] {
            ask(&provider, 1, begin + Duration::from_millis(later));
            assert_eq!(asked.load(Ordering::Relaxed), times, "after {later} ms");
        }
    }

    /// Else a verdict would be remembered for as long as the clock was wrong.
    #[test]
    fn what_was_asked_in_the_future_is_not_remembered() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let yes = provider_fn("yes", move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(true)
        });
        let provider = Remembering::new(Arc::new(yes), Remember::default());
        let now = SystemTime::UNIX_EPOCH + 1_000 * PATIENCE;
        for (at, times) in [(now, 1), (now, 1), (now - Duration::from_nanos(1), 2), (now, 2)] {
            ask(&provider, 1, at);
            assert_eq!(asked.load(Ordering::Relaxed), times);
        }
    }

    #[test]
    fn a_flood_of_questions_does_not_grow_the_table() {
        let provider = Remembering::new(
            Arc::new(provider_fn("no", |_| std::future::ready(false))),
            Remember::default(),
        );
        for key in 0..100_000 {
            ask(&provider, key, SystemTime::UNIX_EPOCH);
        }
        let count = lock(&provider.questions).iter().count();
        assert!((QUESTIONS / 2..=QUESTIONS).contains(&count), "{count}");
    }
}
