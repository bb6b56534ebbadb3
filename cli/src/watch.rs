//! What happens to a socket, told on standard error: whom it serves, whom it refuses, and why.

use ironhouse::{Disconnect, Event, Monitor, Observation};
use serde_json::{Value, json};
use zmtp_core::error::ProtocolError;
use zmtp_core::peer::PeerAddress;

use crate::exit::{error_json, status_of};
use crate::output::{self, DIM, NOTE, note, styled};

/// How and what to tell.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Watch {
    /// JSON lines.
    pub(crate) json: bool,
    /// Also of peers that are served.
    pub(crate) serving: bool,
    /// Which socket it is, where there are several.
    pub(crate) side: Option<&'static str>,
}

impl Watch {
    /// Tells until the socket is gone.
    pub(crate) async fn run(self, mut monitor: Monitor) {
        while let Some(observation) = monitor.next().await {
            match observation {
                Observation::Event(event) => self.tell(&event),
                Observation::Missed(count) if self.json => {
                    self.tell_json(json!({ "event": "missed", "count": count }));
                }
                Observation::Missed(count) => {
                    self.tell_line(format_args!("{count} events were not shown"));
                }
            }
        }
    }

    fn tell(self, event: &Event) {
        match event {
            Event::HandshakeFailed { address, error, .. } => {
                self.tell_error("refused", address, error);
            }
            Event::Disconnected { address, cause: Disconnect::Protocol(error), .. } => {
                self.tell_error("broken", address, error);
            }
            Event::AcceptFailed { error, .. } if self.json => {
                self.tell_json(json!({ "event": "accept-failed", "reason": error.to_string() }));
            }
            Event::AcceptFailed { error, .. } => output::error(error),
            Event::HandshakeSucceeded { peer, .. } if self.serving && self.json => {
                self.tell_json(json!({
                    "event": "serving",
                    "address": peer.verified.address.to_string(),
                    "mechanism": peer.verified.mechanism.to_string(),
                    "user": peer.user_id().map(|user| user.as_str().to_owned()),
                }));
            }
            Event::HandshakeSucceeded { peer, .. } if self.serving => {
                let user = peer.user_id().map_or_else(String::new, |user| format!("  user {user}"));
                let (address, mechanism) = (&peer.verified.address, &peer.verified.mechanism);
                self.tell_line(styled(DIM, format_args!("serving  {address}  {mechanism}{user}")));
            }
            _ => {}
        }
    }

    fn tell_error(self, what: &str, address: &PeerAddress, error: &ProtocolError) {
        if self.json {
            let mut value = error_json(error);
            value["event"] = what.into();
            value["address"] = address.to_string().into();
            return self.tell_json(value);
        }
        self.tell_line(format_args!(
            "{}  {address}  stage {}  status {}  reason: {} ({})",
            styled(NOTE, format_args!("{what:<7}")),
            error.stage,
            status_of(error).unwrap_or("none"),
            error.kind,
            error.rule().id,
        ));
    }

    fn tell_json(self, mut value: Value) {
        if let Some(side) = self.side {
            value["proxy_side"] = side.into();
        }
        note(value);
    }

    fn tell_line(self, text: impl std::fmt::Display) {
        match self.side {
            Some(side) => note(format_args!("{side:<8}  {text}")),
            None => note(text),
        }
    }
}
