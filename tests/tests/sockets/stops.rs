//! When a connecter makes no other attempt because it was told so (`ZMQ_RECONNECT_STOP`).

use std::time::Duration;

use ironhouse::error::{Disconnect, RecvError};
use ironhouse::{Event, Monitor, Options, Pull, Push, Reconnect, ReconnectStop};
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::raw::RawListener;
use ironhouse_tests::{Done, rt, watch};
use transport::net::DialErrorKind;

fn pull(stop: ReconnectStop) -> Result<Pull, ironhouse::error::ConfigError> {
    let soon = Duration::from_millis(5);
    let reconnect = Reconnect { interval: soon, max_interval: soon };
    Pull::new(Options::new().reconnect(reconnect).reconnect_stop(stop))
}

/// Why no other attempt will be made.
async fn stopped(what: &str, events: &mut Monitor) -> Disconnect {
    watch::event(what, events, |event| match event {
        Event::Stopped { cause, .. } => Some(cause.clone()),
        _ => None,
    })
    .await
}

async fn retrying(what: &str, events: &mut Monitor) {
    watch::event(what, events, |event| {
        assert!(!matches!(event, Event::Stopped { .. }), "{what}: {event:?}");
        matches!(event, Event::Retrying { .. }).then_some(())
    })
    .await;
}

#[test]
fn a_refused_connection_stops_only_who_wants_that() -> Done {
    rt::run(async {
        // A port that was free a moment ago.
        let nowhere = RawListener::bind().await.endpoint();
        for stop in [ReconnectStop::default().on_refused(), ReconnectStop::default().after_first()]
        {
            let pull = pull(stop)?;
            let mut events = pull.monitor();
            let mut connecting = pull.connect(&nowhere)?;
            let cause = stopped("refused", &mut events).await;
            let Disconnect::Unreachable(error) = &cause else { panic!("{cause:?}") };
            assert_eq!(*error.kind(), DialErrorKind::Refused);
            let failure = rt::in_time("ready", connecting.ready()).await.expect_err("nobody");
            assert!(failure.is_final, "{failure:?}");
            // Who waits is told, as after any refusal for good.
            let received = rt::in_time("recv", pull.recv()).await;
            assert!(matches!(received, Err(RecvError::Refused(_))), "{received:?}");
        }
        for stop in [ReconnectStop::default(), ReconnectStop::default().on_handshake_failed()] {
            let pull = pull(stop)?;
            let mut events = pull.monitor();
            pull.connect(&nowhere)?;
            for _ in 0..3 {
                retrying("refused", &mut events).await;
            }
        }
        Ok(())
    })
}

#[test]
fn a_failed_handshake_stops_only_who_wants_that() -> Done {
    rt::run(async {
        for octets in [&b"go away"[..], b""] {
            for (stop, stops) in [
                (ReconnectStop::default().on_handshake_failed(), true),
                (ReconnectStop::default().after_first(), true),
                (ReconnectStop::default().on_refused(), false),
            ] {
                let stranger = RawListener::bind().await;
                let pull = pull(stop)?;
                let mut events = pull.monitor();
                pull.connect(stranger.endpoint())?;
                let hangs_up = async {
                    loop {
                        let mut raw = stranger.accept().await;
                        raw.write(octets).await;
                        raw.finish().await;
                    }
                };
                let watches = async {
                    if stops {
                        stopped("a stranger", &mut events).await;
                    } else {
                        for _ in 0..3 {
                            retrying("a stranger", &mut events).await;
                        }
                    }
                };
                tokio::select! { () = hangs_up => {}, () = watches => {} }
            }
        }
        Ok(())
    })
}

/// One whose handshake succeeded comes again, unless there is to be one attempt only.
#[test]
fn a_lost_connection_stops_only_who_wants_that() -> Done {
    rt::run(async {
        for (stop, stops) in [
            (ReconnectStop::default().on_refused().on_handshake_failed(), false),
            (ReconnectStop::default().after_first(), true),
        ] {
            let stranger = RawListener::bind().await;
            let pull = pull(stop)?;
            let mut events = pull.monitor();
            pull.connect(stranger.endpoint())?;
            let mut raw = stranger.accept().await;
            raw.shake_hands_null("PUSH").await;
            watch::success("the first", &mut events).await;
            drop(raw);
            if stops {
                assert_eq!(stopped("the loss", &mut events).await, Disconnect::PeerClosed);
            } else {
                let mut raw = rt::in_time("the second", stranger.accept()).await;
                raw.shake_hands_null("PUSH").await;
                watch::success("the second", &mut events).await;
            }
        }
        Ok(())
    })
}

/// `ZMQ_RECONNECT_STOP_AFTER_DISCONNECT` needs no option; another endpoint brings a stopped socket back.
#[test]
fn a_stopped_socket_can_connect_elsewhere() -> Done {
    rt::run(async {
        let nowhere = RawListener::bind().await.endpoint();
        let pull = pull(ReconnectStop::default().on_refused())?;
        let mut events = pull.monitor();
        pull.connect(&nowhere)?;
        stopped("refused", &mut events).await;
        let push = Push::new(Options::new())?;
        pull.connect(push.bind(ANYWHERE).await?)?.ready().await?;
        push.send("hello").await?;
        assert_eq!(rt::in_time("hello", pull.recv()).await?.first(), "hello");
        Ok(())
    })
}

/// What no attempt can change ends them without an option: the system does not know the device, or the
/// addresses do not fit together.
#[test]
fn what_cannot_be_dialled_is_not_tried_again() -> Done {
    rt::run(async {
        let listener = RawListener::bind().await.endpoint();
        let host = listener.trim_start_matches("tcp://");
        for (options, endpoint, kind) in [
            (
                Options::new().bind_device("no-such-device"),
                listener.clone(),
                DialErrorKind::Option("device"),
            ),
            (Options::new(), format!("tcp://[::1]:0;{host}"), DialErrorKind::NotAvailable),
        ] {
            let pull = Pull::new(options)?;
            let mut events = pull.monitor();
            let mut connecting = pull.connect(&endpoint)?;
            let told = watch::event(&endpoint, &mut events, |event| match event {
                Event::Stopped { cause, .. } => Some(cause.clone()),
                Event::Retrying { .. } => panic!("{event:?}"),
                _ => None,
            });
            let cause = told.await;
            let Disconnect::Unreachable(error) = &cause else { panic!("{cause:?}") };
            assert_eq!((error.kind(), error.is_permanent()), (&kind, true));
            let failure = rt::in_time("ready", connecting.ready()).await.expect_err("never");
            assert_eq!((failure.is_final, &failure.cause), (true, &cause));
            let received = rt::in_time("recv", pull.recv()).await;
            assert!(matches!(received, Err(RecvError::Refused(_))), "{received:?}");
        }
        Ok(())
    })
}
