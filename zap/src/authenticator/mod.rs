//! The authenticator: a policy in force, its limits, and those who watch.

mod bans;
mod current;

use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tracing::warn;
use zmtp_core::auth::{
    self, AuthDecision, AuthRequest, PendingDecision, PendingRevision, Refusal, UserId,
};

use current::{Current, Version};

use crate::address::AddressError;
use crate::decide::{Calls, Decision, Step, Steps, decide_quickly, walk};
use crate::event::{self, AuthEvent, AuthSink};
use crate::gate::{Admission, Gate};
use crate::policy::{ConfigError, CurveKeys, DomainError, Fits, Policy};
use crate::provider::{CurveCallback, Principals, ReloadError};
use crate::store::Passwords;

/// Decides by a [`Policy`], with the vocabulary that users of pyzmq know.
///
/// ```
/// use zap::{Authenticator, KeySet, Passwords};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let operators = Passwords::from_pairs([("admin", "correct horse")])?;
/// let authenticator = Authenticator::new()
///     .allow("192.0.2.0/24")?
///     .deny("192.0.2.66")?
///     .configure_plain("operators", operators)?
///     .configure_curve("*", KeySet::from_iter([[7; 32]]))?;
/// // Later, while connections come and go:
/// authenticator.clone().deny("192.0.2.67")?;
/// # Ok(()) }
/// ```
///
/// A clone is the same authenticator: what is changed through one, counts for all, at once and for the
/// peers that are in as well. Each change copies the policy; make a large one as a [`Policy`] and
/// [put it in force](Self::set_policy).
///
/// The limits of the policy are applied first, then it [decides](crate::decide()). Every decision is logged and
/// told to every [sink](Self::tell).
#[derive(Clone, Default)]
pub struct Authenticator {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    current: Current,
    gate: Gate,
    sinks: ArcSwap<Vec<Arc<dyn AuthSink>>>,
}

impl Authenticator {
    /// Lets in who speaks NULL, from anywhere, and nobody else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows peers by address; see [`AddressRules`](crate::AddressRules) for what a rule may be.
    ///
    /// # Errors
    /// [`AddressError`] says what was expected.
    pub fn allow(self, rule: &str) -> Result<Self, AddressError> {
        self.with(|policy| policy.addresses.allow(rule))
    }

    /// Denies peers by address; see [`AddressRules`](crate::AddressRules) for what a rule may be.
    ///
    /// # Errors
    /// [`AddressError`] says what was expected.
    pub fn deny(self, rule: &str) -> Result<Self, AddressError> {
        self.with(|policy| policy.addresses.deny(rule))
    }

    /// See [`Policy::configure_null`].
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_null(
        self,
        domain: &str,
        user_id: Option<UserId>,
    ) -> Result<Self, DomainError> {
        self.with(|policy| policy.configure_null(domain, user_id))
    }

    /// See [`Policy::configure_plain`].
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_plain(self, domain: &str, users: Passwords) -> Result<Self, DomainError> {
        self.with(|policy| policy.configure_plain(domain, users))
    }

    /// See [`Policy::configure_plain_file`].
    ///
    /// # Errors
    /// [`ConfigError`] with the file and line.
    pub fn configure_plain_file(
        self,
        domain: &str,
        file: impl AsRef<Path>,
    ) -> Result<Self, ConfigError> {
        self.with(|policy| policy.configure_plain_file(domain, file))
    }

    /// See [`Policy::configure_curve`].
    ///
    /// # Errors
    /// [`ConfigError`] for a domain over 255 octets or a directory that cannot be read.
    pub fn configure_curve<K>(self, domain: &str, keys: K) -> Result<Self, ConfigError>
    where
        K: TryInto<CurveKeys, Error: Into<ConfigError>>,
    {
        self.with(|policy| policy.configure_curve(domain, keys))
    }

    /// See [`Policy::configure_curve_callback`].
    ///
    /// ```
    /// use zap::Authenticator;
    /// use zmtp_core::auth::Domain;
    ///
    /// let known = [7; 32];
    /// let plain = Authenticator::new()
    ///     .configure_curve_callback("*", move |_: Domain, key: [u8; 32]| key == known)?;
    /// let asynchronous = Authenticator::new()
    ///     .configure_curve_callback("*", |_: Domain, key: [u8; 32]| async move { key[0] == 7 })?;
    /// # let _ = (plain, asynchronous);
    /// # Ok::<(), zap::DomainError>(())
    /// ```
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_curve_callback<K>(
        self,
        domain: &str,
        callback: impl CurveCallback<K>,
    ) -> Result<Self, DomainError> {
        self.with(|policy| policy.configure_curve_callback(domain, callback))
    }

    /// See [`Policy::configure_gssapi`].
    ///
    /// # Errors
    /// [`DomainError`] for a domain over 255 octets.
    pub fn configure_gssapi(
        self,
        domain: &str,
        principals: Principals,
    ) -> Result<Self, DomainError> {
        self.with(|policy| policy.configure_gssapi(domain, principals))
    }

    /// See [`Policy::curve_user_id`].
    #[must_use]
    pub fn curve_user_id(
        self,
        user_of: impl Fn(&[u8; 32]) -> Option<UserId> + Send + Sync + 'static,
    ) -> Self {
        self.update(|policy| policy.curve_user_id(user_of));
        self
    }

    fn with<E>(self, change: impl FnOnce(&mut Policy) -> Result<(), E>) -> Result<Self, E> {
        self.try_update(change)?;
        Ok(self)
    }

    /// Changes the policy in one step.
    pub fn update(&self, change: impl FnOnce(&mut Policy)) {
        let changed = self.try_update(|policy| {
            change(policy);
            Ok::<_, Infallible>(())
        });
        let Ok(()) = changed;
    }

    /// Changes the policy in one step, or not at all.
    ///
    /// # Errors
    /// That of `change`; the policy stays what it was.
    pub fn try_update<E>(
        &self,
        change: impl FnOnce(&mut Policy) -> Result<(), E>,
    ) -> Result<(), E> {
        self.shared.current.change(|version| change(Arc::make_mut(&mut version.policy)))
    }

    /// Puts another policy in force, in one step.
    pub fn set_policy(&self, policy: impl Into<Arc<Policy>>) {
        self.change(|version| version.policy = policy.into());
    }

    /// Reads the sources of the policy again and puts in force what they say now. A source that cannot
    /// be read or understood keeps what it said before, and is returned.
    pub fn reload(&self) -> Vec<ReloadError> {
        let problems = self.reload_if(&|_| Ok(()), |_| true);
        for problem in &problems {
            warn!(%problem, "kept what was there before");
        }
        problems
    }

    /// Reads the sources again, a policy file only if it fits, and puts in force what they say if it is
    /// wanted, in view of the problems.
    pub(crate) fn reload_if(
        &self,
        fits: &Fits,
        wanted: impl Fn(&[ReloadError]) -> bool,
    ) -> Vec<ReloadError> {
        loop {
            let before = self.policy();
            let (policy, problems) = before.reloaded_if(fits);
            if !wanted(&problems) {
                return problems;
            }
            // Reading takes a while: what was changed meanwhile must not be lost.
            let put = self.shared.current.change(|version| {
                let unchanged = Arc::ptr_eq(&version.policy, &before);
                unchanged.then(|| version.policy = Arc::new(policy)).ok_or(())
            });
            if put.is_ok() {
                return problems;
            }
        }
    }

    /// Tries a policy beside the one in force: where its decisions would be others, that is logged and
    /// told. A provider that takes a while is not waited for, and gives no difference.
    pub fn set_trial(&self, policy: Option<Arc<Policy>>) {
        self.change(|version| version.trial = policy);
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        self.shared.current.load().policy.clone()
    }

    /// Counts the changes of what is in force.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.shared.current.load().generation
    }

    /// Waits until the generation is another than `since`.
    ///
    /// Cancel safe: dropping the future changes nothing, and the next call misses nothing.
    pub async fn changed(&self, since: u64) -> u64 {
        self.shared.current.revisions.changed(since).await
    }

    /// Refuses every newcomer from now on (500). The peers that are in stay while the policy lets them.
    pub fn stop(&self) {
        self.change(|version| version.stopped = true);
    }

    /// Decides by the policy again, after [`stop`](Self::stop).
    pub fn resume(&self) {
        self.change(|version| version.stopped = false);
    }

    /// Decides by the policy until the guard is dropped, and refuses every newcomer afterwards.
    pub fn start(&self) -> Running {
        self.resume();
        Running(self.clone())
    }

    /// Whether it is stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.current.load().stopped
    }

    fn change(&self, change: impl FnOnce(&mut Version)) {
        let changed = self.shared.current.change(|version| {
            change(version);
            Ok::<_, Infallible>(())
        });
        let Ok(()) = changed;
    }

    /// Tells `sink` of every decision from now on.
    pub fn tell(&self, sink: impl AuthSink + 'static) {
        let sink: Arc<dyn AuthSink> = Arc::new(sink);
        self.shared.sinks.rcu(|sinks| sinks.iter().chain([&sink]).cloned().collect::<Vec<_>>());
    }

    /// Decides as of some time, applies the limits, and tells.
    pub fn authenticate_at(&self, request: Arc<AuthRequest>, now: SystemTime) -> PendingDecision {
        let version = self.shared.current.load();
        let admission = self.shared.gate.admit(&version.policy.limits, &request.address, now);
        let refusal = match admission {
            Admission::Admitted | Admission::Exempt | Admission::NotCounted => None,
            Admission::SourceTooOften | Admission::AllTooOften => Some("Too many requests"),
            Admission::Banned { .. } => Some("Banned"),
        };
        let Some(text) = refusal else { return self.decide(request, admission, version, now) };
        let verdict = AuthDecision::refuse(Refusal::Temporary, text);
        let decision = Decision { verdict, steps: vec![Step::Source(admission)] };
        self.conclude(&request, &decision, &version, now, Duration::ZERO);
        Box::pin(ready(decision.into_verdict()))
    }

    /// Decides about a peer that is in, as of some time. Nothing is counted and nobody told, unless it is
    /// refused.
    pub fn authenticate_again_at(
        &self,
        request: Arc<AuthRequest>,
        now: SystemTime,
    ) -> PendingDecision {
        self.decide(request, Admission::NotCounted, self.shared.current.load(), now)
    }

    fn decide(
        &self,
        request: Arc<AuthRequest>,
        admission: Admission,
        version: Arc<Version>,
        now: SystemTime,
    ) -> PendingDecision {
        let this = self.clone();
        Box::pin(async move {
            let begun = Instant::now();
            let mut unfinished =
                Unfinished { this, request, version, now, begun, concluded: false };
            let Unfinished { request, version, .. } = &unfinished;
            let mut steps = Steps::new(admission, Calls::Apart);
            let verdict = if version.stopped && admission != Admission::NotCounted {
                steps.take(Step::Stopped);
                AuthDecision::refuse(Refusal::Internal, "The authenticator is stopped")
            } else {
                walk(&version.policy, request, now, &mut steps).await
            };
            let decision = Decision { verdict, steps: steps.taken };
            unfinished.conclude(&decision, admission);
            decision.into_verdict()
        })
    }

    /// What follows from a decision: failures are counted, the policy on trial is asked, all are told.
    fn conclude(
        &self,
        request: &AuthRequest,
        decision: &Decision,
        version: &Version,
        now: SystemTime,
        took: Duration,
    ) {
        event::log(request, &decision.verdict, Some(decision));
        let would = |trial| decide_quickly(trial, request, now);
        let differs = |trial| event::difference(&decision.verdict, &would(trial));
        let shadow = version.trial.as_deref().and_then(differs);
        if let Some((status, text)) = &shadow {
            event::log_difference(request, *status, text);
        }
        self.publish(|| AuthEvent {
            time: now,
            took,
            generation: Some(version.generation),
            shadow,
            ..AuthEvent::explained(request, decision)
        });
        if matches!(decision.verdict, AuthDecision::Refuse { status: Refusal::Failure, .. }) {
            let banned = self.shared.gate.failed(&version.policy.limits, &request.address, now);
            if let Some(length) = banned {
                let address = &request.address;
                warn!(%address, seconds = length.as_secs(), "banned after too many refusals");
            }
        }
    }

    /// Makes an event only if there is somebody to tell.
    fn publish(&self, event: impl FnOnce() -> AuthEvent) {
        let sinks = self.shared.sinks.load();
        if !sinks.is_empty() {
            let event = Arc::new(event());
            sinks.iter().for_each(|sink| sink.take(&event));
        }
    }
}

/// A decision on its way. When it is given up, because the peer left or time was up, those who watch
/// learn that; the log has it from whoever gave up.
struct Unfinished {
    this: Authenticator,
    request: Arc<AuthRequest>,
    version: Arc<Version>,
    now: SystemTime,
    begun: Instant,
    concluded: bool,
}

impl Unfinished {
    fn conclude(&mut self, decision: &Decision, admission: Admission) {
        self.concluded = true;
        let again = admission == Admission::NotCounted;
        if !again || matches!(decision.verdict, AuthDecision::Refuse { .. }) {
            let took = self.begun.elapsed();
            self.this.conclude(&self.request, decision, &self.version, self.now, took);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.concluded {
            let verdict =
                AuthDecision::refuse(Refusal::Temporary, "Given up before it was decided");
            self.this.publish(|| AuthEvent {
                time: self.now,
                took: self.begun.elapsed(),
                generation: Some(self.version.generation),
                ..AuthEvent::new(&self.request, &verdict)
            });
        }
    }
}

/// An authenticator that decides until this is dropped, and refuses every newcomer afterwards.
#[derive(Debug)]
#[must_use = "dropping it stops the authenticator"]
pub struct Running(Authenticator);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl From<Policy> for Authenticator {
    fn from(policy: Policy) -> Self {
        let this = Self::new();
        this.set_policy(policy);
        this
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authenticator").field(&self.shared.current.load()).finish()
    }
}

impl auth::Authenticator for Authenticator {
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision {
        self.authenticate_at(request, SystemTime::now())
    }
    fn revision(&self) -> Option<u64> {
        Some(self.shared.current.revisions.current())
    }

    fn revised(&self, since: u64) -> PendingRevision {
        self.shared.current.revisions.changed(since)
    }

    fn retain(&self, request: &Arc<AuthRequest>) -> Arc<AuthRequest> {
        self.policy().retain(request)
    }

    fn authenticate_again(&self, retained: Arc<AuthRequest>) -> PendingDecision {
        self.authenticate_again_at(retained, SystemTime::now())
    }
}
