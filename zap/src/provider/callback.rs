//! Functions and objects as providers.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use zmtp_core::auth::{AuthRequest, Credentials, Domain, UserId};

use super::blocking::{Blocking, threads};
use super::{Answer, Grant, Provider, Verdict};

/// What a function may say: a whole [`Verdict`], yes or no, or the user that it is, if anybody.
pub trait IntoVerdict {
    /// The verdict.
    fn into_verdict(self) -> Verdict;
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Verdict {
        self
    }
}

impl IntoVerdict for bool {
    fn into_verdict(self) -> Verdict {
        if self { Verdict::Accept(Grant::default()) } else { Verdict::refuse("Unknown key") }
    }
}

impl IntoVerdict for Option<UserId> {
    fn into_verdict(self) -> Verdict {
        self.map_or_else(|| false.into_verdict(), |user| Verdict::Accept(Grant::user(user)))
    }
}

/// What may judge the keys of CURVE: a function of domain and key, synchronous or not, or any
/// [`Provider`].
///
/// `Kind` only keeps the three apart for the compiler.
pub trait CurveCallback<Kind> {
    /// The provider that asks it.
    fn into_provider(self) -> Arc<dyn Provider>;
}

/// Marks functions.
#[derive(Debug)]
pub enum Function {}

/// Marks asynchronous functions.
#[derive(Debug)]
pub enum Asynchronous {}

/// Marks objects.
#[derive(Debug)]
pub enum Object {}

impl<F, V> CurveCallback<(Function, V)> for F
where
    F: Fn(Domain, [u8; 32]) -> V + Send + Sync + 'static,
    V: IntoVerdict,
{
    fn into_provider(self) -> Arc<dyn Provider> {
        let (this, threads) = (Arc::new(self), threads());
        Arc::new(Callback::new("callback", move |request: &AuthRequest| {
            with_key(request, |domain, key| {
                let this = this.clone();
                Answer::Blocks(Blocking::new(&threads, move || this(domain, key).into_verdict()))
            })
        }))
    }
}

impl<F, R> CurveCallback<(Asynchronous, R)> for F
where
    F: Fn(Domain, [u8; 32]) -> R + Send + Sync + 'static,
    R: Future<Output: IntoVerdict> + Send + 'static,
{
    fn into_provider(self) -> Arc<dyn Provider> {
        Arc::new(Callback::new("callback", move |request: &AuthRequest| {
            with_key(request, |domain, key| {
                let verdict = self(domain, key);
                Answer::Later(Box::pin(async move { verdict.await.into_verdict() }))
            })
        }))
    }
}

impl<P: Provider + 'static> CurveCallback<Object> for P {
    fn into_provider(self) -> Arc<dyn Provider> {
        Arc::new(self)
    }
}

fn with_key(request: &AuthRequest, ask: impl FnOnce(Domain, [u8; 32]) -> Answer) -> Answer {
    match request.credentials {
        Credentials::Curve { public_key } => ask(request.domain.clone(), public_key),
        _ => Verdict::Abstain("Invalid credentials").into(),
    }
}

/// A provider that asks an asynchronous function about the whole request, so that it can also judge
/// by the properties that a CURVE peer sent with its key, such as `X-Auth-Token`.
///
/// ```
/// use std::sync::Arc;
/// use zap::{Grant, Policy, Verdict, provider_fn};
/// use zmtp_core::auth::AuthRequest;
/// use zmtp_core::wire::greeting::MechanismName;
///
/// let tokens = provider_fn("tokens", |request: Arc<AuthRequest>| async move {
///     match request.metadata.get("X-Auth-Token") {
///         Some(token) if token == &b"open sesame"[..] => Verdict::Accept(Grant::default()),
///         Some(_) => Verdict::refuse("Wrong token"),
///         None => Verdict::Abstain("No token"),
///     }
/// });
/// let mut policy = Policy::new();
/// policy.add_provider("*", MechanismName::CURVE, Arc::new(tokens))?;
/// # Ok::<(), zap::DomainError>(())
/// ```
pub fn provider_fn<F, R>(name: &'static str, judge: F) -> impl Provider
where
    F: Fn(Arc<AuthRequest>) -> R + Send + Sync,
    R: Future<Output: IntoVerdict> + Send + 'static,
{
    Callback::new(name, move |request: &AuthRequest| {
        let verdict = judge(Arc::new(request.clone()));
        Answer::Later(Box::pin(async move { verdict.await.into_verdict() }))
    })
}

/// A provider that asks a function about the whole request, on threads of its own, so that the function
/// may take a while and even hang: 64 calls go on at once and 1,024 wait; beyond that, and when the time
/// for a decision is up, a peer is told to come again (300).
pub fn sync_provider_fn<V: IntoVerdict>(
    name: &'static str,
    judge: impl Fn(&AuthRequest) -> V + Send + Sync + 'static,
) -> impl Provider {
    let (judge, threads) = (Arc::new(judge), threads());
    Callback::new(name, move |request: &AuthRequest| {
        let (judge, request) = (judge.clone(), request.clone());
        Answer::Blocks(Blocking::new(&threads, move || judge(&request).into_verdict()))
    })
}

struct Callback<F> {
    name: &'static str,
    judge: F,
}

impl<F: Fn(&AuthRequest) -> Answer> Callback<F> {
    const fn new(name: &'static str, judge: F) -> Self {
        Self { name, judge }
    }
}

impl<F> fmt::Debug for Callback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callback({})", self.name)
    }
}

impl<F: Fn(&AuthRequest) -> Answer + Send + Sync> Provider for Callback<F> {
    fn name(&self) -> Cow<'_, str> {
        self.name.into()
    }

    fn judge(&self, request: &AuthRequest, _now: SystemTime) -> Answer {
        (self.judge)(request)
    }
}
