//! Principals of GSSAPI.

use std::borrow::Cow;
use std::time::SystemTime;

use zmtp_core::auth::{AuthRequest, Credentials, UserId};

use super::{Answer, Grant, Provider, Statement, Verdict};

/// Which principals may come in under GSSAPI, by rules.
///
/// `*` in a rule stands for any characters, `?` for one: `*@EXAMPLE.ORG` is a whole realm,
/// `host/*.example.org@EXAMPLE.ORG` its machines. A denial wins over every permission. This library
/// does not speak GSSAPI; the rules answer ZAP requests of programs that do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Principals {
    allowed: Vec<String>,
    denied: Vec<String>,
}

/// A rule for principals that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("principal rule \"{}\": expected 1 to 255 visible characters, such as *@EXAMPLE.ORG", .0.escape_debug())]
pub struct PrincipalError(pub String);

impl Principals {
    /// No principals: everybody is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets in the principals that `rule` covers.
    ///
    /// # Errors
    /// [`PrincipalError`] for an empty rule, one over 255 octets, or with blanks or control characters.
    pub fn allow(mut self, rule: &str) -> Result<Self, PrincipalError> {
        self.allowed.push(checked(rule)?);
        Ok(self)
    }

    /// Keeps out the principals that `rule` covers.
    ///
    /// # Errors
    /// Those of [`allow`](Self::allow).
    pub fn deny(mut self, rule: &str) -> Result<Self, PrincipalError> {
        self.denied.push(checked(rule)?);
        Ok(self)
    }

    fn verdict(&self, principal: &str) -> Verdict {
        let covered = |rules: &[String]| rules.iter().any(|rule| covers(rule, principal));
        match UserId::new(principal).filter(|user| !user.is_empty()) {
            Some(_) if covered(&self.denied) => Verdict::refuse("Principal denied"),
            Some(user) if covered(&self.allowed) => Verdict::Accept(Grant::user(user)),
            _ => Verdict::Abstain("Unknown principal"),
        }
    }
}

fn checked(rule: &str) -> Result<String, PrincipalError> {
    let visible = rule.chars().all(|c| !c.is_control() && !c.is_whitespace());
    let rule = rule.to_owned();
    if visible && (1..=255).contains(&rule.len()) { Ok(rule) } else { Err(PrincipalError(rule)) }
}

/// Whether a pattern of `*` and `?` covers all of `text`; takes at most the product of both lengths.
pub(crate) fn covers(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when the last star has to take one character more.
    let mut retry = None;
    loop {
        let rest_of_text = text.clone();
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                retry = Some((pattern.clone(), rest_of_text.clone()));
                text = rest_of_text;
            }
            (Some(p), Some(t)) if p == '?' || p == t => {}
            _ => {
                let Some((after_star, mut from)) = retry else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), from.clone());
                retry = Some((after_star, from));
            }
        }
    }
}

impl Provider for Principals {
    fn name(&self) -> Cow<'_, str> {
        "principals".into()
    }

    /// The one credential frame of GSSAPI is the principal (27/ZAP, "The GSSAPI Mechanism").
    fn judge(&self, request: &AuthRequest, _now: SystemTime) -> Answer {
        let Credentials::Other(frames) = &request.credentials else {
            return Verdict::Abstain("Invalid credentials").into();
        };
        let principal = match frames.as_slice() {
            [frame] => std::str::from_utf8(frame.expose()).ok(),
            _ => None,
        };
        principal.map_or(Verdict::Abstain("Invalid credentials"), |it| self.verdict(it)).into()
    }

    fn statements(&self) -> Vec<Statement> {
        let rules = |word: &'static str, rules: &[String]| {
            let statement = |rule: &String| Statement::new(format!("{word} principal {rule}"));
            rules.iter().map(statement).collect::<Vec<_>>()
        };
        [rules("allow", &self.allowed), rules("deny", &self.denied)].concat()
    }
}
