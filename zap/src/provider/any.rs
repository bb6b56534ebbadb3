//! Providers that let everybody in.

use std::borrow::Cow;
use std::time::SystemTime;

use zmtp_core::auth::{AuthRequest, UserId};

use super::{Answer, Grant, Provider, Verdict};

/// Lets in who speaks NULL, under one user id or none.
#[derive(Debug, Clone)]
pub(crate) struct Anyone(pub(crate) Option<UserId>);

impl Provider for Anyone {
    fn name(&self) -> Cow<'_, str> {
        match &self.0 {
            Some(user_id) => format!("anyone as {user_id}").into(),
            None => "anyone".into(),
        }
    }

    fn judge(&self, _request: &AuthRequest, _now: SystemTime) -> Answer {
        Verdict::Accept(Grant { user_id: self.0.clone(), ..Grant::default() }).into()
    }
}

/// Lets in every key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnyKey;

impl Provider for AnyKey {
    fn name(&self) -> Cow<'_, str> {
        "any key".into()
    }

    fn judge(&self, _request: &AuthRequest, _now: SystemTime) -> Answer {
        Verdict::Accept(Grant::default()).into()
    }
}
