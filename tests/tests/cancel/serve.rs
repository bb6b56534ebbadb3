//! The handler that other programs ask, dropped and begun again.

use std::collections::BTreeSet;

use ironhouse::auth::{AuthDecision, Refusal};
use ironhouse::error::RecvError;
use ironhouse::{Dealer, Message, Options, Router, from_fn, serve_zap};
use ironhouse_tests::{Done, rt};

use crate::{cut, everywhere};

/// Requests on the way at once, so that some are always being decided.
const AT_ONCE: u32 = 40;
const COUNT: u32 = 2_000;

async fn every_request_is_answered_once(at: &str) -> Done {
    let (router, dealer) = (Router::new(Options::new())?, Dealer::new(Options::new())?);
    dealer.connect(router.bind(at).await?)?;
    let serving = async {
        insist!({
            let judge = from_fn(|_| async {
                tokio::task::yield_now().await;
                AuthDecision::refuse(Refusal::Failure, "Nobody")
            });
            serve_zap(&router, judge, Default::default())
        })
        .await
    };
    let asking = async {
        let mut answered = BTreeSet::new();
        for sent in 0..COUNT {
            let number = sent.to_string();
            let request = ["", "1.0", &number, "global", "127.0.0.1", "", "NULL"];
            dealer.send(Message::from_parts(request).expect("parts")).await?;
            if sent >= AT_ONCE {
                answered.insert(dealer.recv().await?.get(2).map(|id| id.to_vec()));
            }
        }
        while answered.len() < COUNT as usize {
            answered.insert(dealer.recv().await?.get(2).map(|id| id.to_vec()));
        }
        assert_eq!(dealer.try_recv(), Err(RecvError::WouldBlock), "no reply comes twice");
        Ok(())
    };
    tokio::select! {
        ended = serving => panic!("{ended:?}"),
        done = rt::in_time("all replies", asking) => done,
    }
}

// ZAP-03
#[test]
fn handlers_that_are_dropped() -> Done {
    rt::run(async {
        for at in everywhere("serve") {
            every_request_is_answered_once(&at).await?;
        }
        Ok(())
    })
}
