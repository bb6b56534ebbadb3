//! One line per stage, or one JSON object for all.

use std::fmt::Display;
use std::time::Duration;

use serde_json::{Value, json};

use zmtp_core::error::ProtocolError;

use crate::advice::Advice;
use crate::exit::{Failure, error_json};
use crate::output::{BAD, DIM, GOOD, HEAD, line, styled};

// The stages in their order.
pub(super) const RESOLVE: &str = "resolve";
pub(super) const CONNECT: &str = "connect";
pub(super) const GREETING: &str = "greeting";
pub(super) const HANDSHAKE: &str = "handshake";
pub(super) const AUTHENTICATION: &str = "authentication";
pub(super) const READY: &str = "READY";
pub(super) const PING: &str = "PING";

/// What was found so far.
pub(super) struct Report {
    json: bool,
    stages: Vec<Value>,
}

/// A stage that failed.
pub(super) struct Finding {
    pub(super) stage: &'static str,
    pub(super) what: String,
    /// What broke on the wire, if it came so far.
    pub(super) error: Option<Box<ProtocolError>>,
    pub(super) advice: Advice,
}

impl Report {
    pub(super) const fn new(json: bool) -> Self {
        Self { json, stages: Vec::new() }
    }

    /// A stage went well.
    pub(super) fn good(&mut self, stage: &'static str, what: impl Display, took: Option<Duration>) {
        self.stage(stage, true, &what.to_string(), took);
    }

    fn stage(&mut self, stage: &'static str, ok: bool, what: &str, took: Option<Duration>) {
        if self.json {
            let milliseconds = took.map(|took| took.as_secs_f64() * 1e3);
            self.stages.push(
                json!({ "stage": stage, "ok": ok, "found": what, "milliseconds": milliseconds }),
            );
            return;
        }
        let mark = if ok { styled(GOOD, "ok  ") } else { styled(BAD, "FAIL") };
        let took = took.map_or_else(String::new, |took| {
            styled(DIM, format_args!("  {:.2} ms", took.as_secs_f64() * 1e3))
        });
        line(format_args!("{}  {mark}  {what}{took}", styled(HEAD, format_args!("{stage:<14}"))));
    }

    /// The last words.
    pub(super) fn finish(mut self, outcome: Result<(), Finding>) -> Result<(), Failure> {
        let finding = outcome.err();
        if let Some(finding) = &finding {
            self.stage(finding.stage, false, &finding.what, None);
            if !self.json {
                if let Some(error) = &finding.error {
                    line(styled(DIM, format_args!("{:<14}  rule  {}", "", error.rule())));
                }
                line("");
                finding.advice.lines().for_each(line);
            }
        }
        if self.json {
            let advice = finding.as_ref().map(|finding| &finding.advice);
            line(json!({
                "ok": finding.is_none(),
                "stages": self.stages,
                "error": finding.as_ref().and_then(|finding| finding.error.as_deref()).map(error_json),
                "meaning": advice.map(|advice| advice.meaning.clone()),
                "what_to_do": advice.map(|advice| advice.steps.clone()),
                "exit_code": advice.map_or(0, |advice| advice.class.code()),
            }));
        }
        match finding {
            None => Ok(()),
            Some(finding) => {
                Err(Failure { shown: true, ..Failure::new(finding.advice.class, finding.what) })
            }
        }
    }
}
