//! Which options mean something to which types of socket.

use zmtp_core::SocketType::{
    self, DEALER, PAIR, PUB, PULL, PUSH, REP, REQ, ROUTER, SUB, XPUB, XSUB,
};
use zmtp_core::wire::heartbeat::Ttl;

use super::{Options, Told};
use crate::error::ConfigError;

/// An option that is not for every type.
struct Rule {
    /// The method that sets it.
    option: &'static str,
    /// Whether it asks for anything but what every socket does without it.
    is_set: fn(&Options) -> bool,
    types: &'static [SocketType],
}

const fn rule(
    option: &'static str,
    is_set: fn(&Options) -> bool,
    types: &'static [SocketType],
) -> Rule {
    Rule { option, is_set, types }
}

/// What is missing here is for all types. Bounds are: high-water marks, limits, timeouts and linger hold
/// by themselves where a type has nothing that they could bound.
const RULES: &[Rule] = &[
    rule("routing_id", |it| !it.routing_id.is_empty(), &[REQ, DEALER, ROUTER]),
    rule("conflate", |it| it.engine.conflate, &[DEALER, PUB, PULL, PUSH, SUB]),
    rule("immediate", |it| it.immediate, &[REQ, DEALER, PUSH, PAIR]),
    rule("req_relaxed", |it| it.reqrep.relaxed, &[REQ]),
    rule("req_correlate", |it| it.reqrep.correlate, &[REQ]),
    rule("probe_router", |it| it.reqrep.probe, &[REQ, DEALER, ROUTER]),
    rule("router_mandatory", |it| it.reqrep.mandatory.is_some(), &[ROUTER]),
    rule("router_handover", |it| it.reqrep.handover, &[ROUTER]),
    rule("router_notify", |it| it.reqrep.notify.is_some(), &[ROUTER]),
    rule("xpub_verbose", |it| it.pubsub.told == Told::Subscriptions, &[XPUB]),
    rule("xpub_verboser", |it| it.pubsub.told == Told::Everything, &[XPUB]),
    rule("xpub_manual", |it| it.pubsub.manual, &[XPUB]),
    rule("xpub_nodrop", |it| it.pubsub.no_drop, &[PUB, XPUB]),
    rule("xpub_welcome", |it| it.pubsub.welcome.is_some(), &[XPUB]),
    rule("invert_matching", |it| it.pubsub.invert, &[PUB, XPUB, SUB]),
    rule("xsub_verbose", |it| it.pubsub.verbose_upstream, &[XSUB]),
    rule("spin", |it| !it.spin.is_zero(), &[REQ, REP, DEALER, ROUTER, SUB, XSUB, XPUB, PULL, PAIR]),
];

/// An option that does nothing without another one.
struct Need {
    option: &'static str,
    is_set: fn(&Options) -> bool,
    needs: &'static str,
    is_met: fn(&Options) -> bool,
}

/// Whether PINGs are sent.
fn pings(options: &Options) -> bool {
    options.heartbeat.interval.is_some_and(|every| !every.is_zero())
}

const NEEDS: &[Need] = &[
    Need {
        option: "heartbeat_timeout",
        is_set: |it| it.heartbeat.timeout.is_some(),
        needs: "heartbeat_interval",
        is_met: pings,
    },
    Need {
        option: "heartbeat_ttl",
        is_set: |it| it.heartbeat.ttl != Ttl::default(),
        needs: "heartbeat_interval",
        is_met: pings,
    },
];

impl Options {
    /// Refuses what would have no effect on a socket of this type.
    pub(crate) fn check(&self, socket_type: SocketType) -> Result<(), ConfigError> {
        for Rule { option, is_set, types } in RULES {
            if is_set(self) && !types.contains(&socket_type) {
                return Err(ConfigError::OptionNotForType { option, socket_type });
            }
        }
        for Need { option, is_set, needs, is_met } in NEEDS {
            if is_set(self) && !is_met(self) {
                return Err(ConfigError::OptionNeeds { option, needs });
            }
        }
        Ok(())
    }
}
