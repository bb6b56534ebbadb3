//! Authenticators that do what the test says, and remember who was judged.

use std::sync::{Arc, Mutex, PoisonError};

use ironhouse::auth::{
    AuthDecision, AuthRequest, AuthStatus, Authenticator, PendingDecision, Refusal, UserId,
};

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// 200, as this user.
    Accept(&'static str),
    /// 300, 400 or 500.
    Refuse(Refusal),
    /// A panic when asked.
    PanicAtOnce,
    /// A panic while the answer is awaited.
    PanicLater,
    /// No answer, ever.
    Hang,
}

/// The text of a refusal.
pub const REASON: &str = "the test says no";

/// Answers as told. Clones share what they remember.
#[derive(Debug, Clone)]
pub struct Judge {
    verdict: Verdict,
    asked: Arc<Mutex<Vec<Arc<AuthRequest>>>>,
}

impl Judge {
    /// Answers everybody the same.
    #[must_use]
    pub fn new(verdict: Verdict) -> Self {
        Self { verdict, asked: Arc::default() }
    }

    /// Refuses everybody.
    #[must_use]
    pub fn refuse(status: Refusal) -> Self {
        Self::new(Verdict::Refuse(status))
    }

    /// Lets everybody in as this user.
    #[must_use]
    pub fn accept(user: &'static str) -> Self {
        Self::new(Verdict::Accept(user))
    }

    /// What was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Arc<AuthRequest>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Authenticator for Judge {
    fn authenticate(&self, request: Arc<AuthRequest>) -> PendingDecision {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let verdict = self.verdict.clone();
        assert!(verdict != Verdict::PanicAtOnce, "the test says panic");
        Box::pin(async move {
            match verdict {
                Verdict::Accept(user) => {
                    AuthDecision::accept_as(UserId::new(user).expect("a short name"))
                }
                Verdict::Refuse(status) => AuthDecision::refuse(status, REASON),
                Verdict::PanicAtOnce | Verdict::PanicLater => panic!("the test says panic"),
                Verdict::Hang => std::future::pending().await,
            }
        })
    }
}

/// The status as a number, as libzmq's monitor has it.
///
/// # Panics
/// Never: a status is three digits.
#[must_use]
pub fn number(status: AuthStatus) -> u32 {
    status.code().parse().expect("three digits")
}
