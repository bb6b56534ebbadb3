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

    /// Until when an answer counts.
    fn end(&self, (asked, answer): &Question) -> Option<SystemTime> {
        let lifetime = match answer.peek() {
            None => PATIENCE,
            Some(Verdict::Accept(_)) => self.lifetimes.accepted,
            Some(Verdict::Abstain(_) | Verdict::Refuse { status: Refusal::Failure, .. }) => {
                self.lifetimes.refused
            }
            Some(Verdict::Refuse { .. }) => return None,
        };
        asked.checked_add(lifetime)
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
            && self.end(question).is_some_and(|end| now < end)
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
