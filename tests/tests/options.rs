//! No option is accepted and ignored.

use std::time::Duration;

use ironhouse::SocketType::{self, DEALER, PAIR, PUB, PULL, PUSH, REQ, ROUTER, SUB, XPUB, XSUB};
use ironhouse::error::ConfigError;
use ironhouse::{AnySocket, Options, RouterNotify};
use ironhouse_tests::Done;

/// An option, and for which types it is.
type Case = (&'static str, Options, &'static [SocketType]);

fn cases() -> Result<Vec<Case>, ConfigError> {
    let new = Options::new;
    Ok(vec![
        ("routing_id", new().routing_id("me")?, &[REQ, DEALER, ROUTER]),
        ("conflate", new().conflate(true), &[DEALER, PUB, PULL, PUSH, SUB]),
        ("immediate", new().immediate(true), &[REQ, DEALER, PUSH, PAIR]),
        ("req_relaxed", new().req_relaxed(true), &[REQ]),
        ("req_correlate", new().req_correlate(true), &[REQ]),
        ("probe_router", new().probe_router(true), &[REQ, DEALER, ROUTER]),
        ("router_notify", new().router_notify(RouterNotify::Connect), &[ROUTER]),
        ("router_mandatory", new().router_mandatory(true), &[ROUTER]),
        ("router_mandatory", new().router_mandatory(false), &[ROUTER]),
        ("router_handover", new().router_handover(true), &[ROUTER]),
        ("xpub_verbose", new().xpub_verbose(true), &[XPUB]),
        ("xpub_verboser", new().xpub_verboser(true), &[XPUB]),
        ("xpub_manual", new().xpub_manual(true), &[XPUB]),
        ("xpub_nodrop", new().xpub_nodrop(true), &[PUB, XPUB]),
        ("xpub_welcome", new().xpub_welcome("welcome"), &[XPUB]),
        ("invert_matching", new().invert_matching(true), &[PUB, XPUB, SUB]),
        ("xsub_verbose", new().xsub_verbose(true), &[XSUB]),
    ])
}

#[test]
fn an_option_is_refused_by_the_types_that_it_means_nothing_to() -> Done {
    for (option, options, types) in cases()? {
        for socket_type in SocketType::ALL {
            let made = AnySocket::new(socket_type, options.clone()).map(drop);
            let expected = if types.contains(&socket_type) {
                Ok(())
            } else {
                Err(ConfigError::OptionNotForType { option, socket_type })
            };
            assert_eq!(made, expected, "{option} on {socket_type}");
        }
    }
    let error = AnySocket::new(ROUTER, Options::new().conflate(true)).expect_err("not for ROUTER");
    assert_eq!(error.to_string(), "the option conflate has no effect on a ROUTER socket");
    Ok(())
}

/// So that one set of options can be made for sockets of several types.
#[test]
fn an_option_that_asks_for_nothing_is_for_every_type() -> Done {
    let options = Options::new()
        .conflate(false)
        .immediate(false)
        .req_relaxed(false)
        .req_correlate(false)
        .probe_router(false)
        .router_handover(false)
        .xpub_verbose(false)
        .xpub_verboser(false)
        .xpub_manual(false)
        .xpub_nodrop(false)
        .invert_matching(false)
        .xsub_verbose(false);
    for socket_type in SocketType::ALL {
        AnySocket::new(socket_type, options.clone())?;
    }
    Ok(())
}

#[test]
fn bounds_are_for_every_type() -> Done {
    let second = Duration::from_secs(1);
    let options = Options::new()
        .send_high_water_mark(1)
        .receive_high_water_mark(1)
        .send_timeout(second)
        .recv_timeout(second)
        .linger(second);
    for socket_type in SocketType::ALL {
        AnySocket::new(socket_type, options.clone())?;
    }
    Ok(())
}

#[test]
fn an_option_that_needs_another_one_is_refused_without() -> Done {
    let second = Duration::from_secs(1);
    for (option, options) in [
        ("heartbeat_timeout", Options::new().heartbeat_timeout(second)),
        ("heartbeat_ttl", Options::new().heartbeat_ttl(second)),
    ] {
        let needs = "heartbeat_interval";
        for options in [options.clone(), options.clone().heartbeat_interval(Duration::ZERO)] {
            let error = AnySocket::new(PUSH, options).expect_err(option);
            assert_eq!(error, ConfigError::OptionNeeds { option, needs });
        }
        AnySocket::new(PUSH, options.heartbeat_interval(second))?;
    }
    Ok(())
}
