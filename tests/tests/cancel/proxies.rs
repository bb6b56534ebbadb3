//! Proxies in both directions, with copies.

use ironhouse::error::{RecvError, SendError};
use ironhouse::{Dealer, Proxy, Pull, Push, Router, proxy};
use ironhouse_tests::{Done, rt};

use crate::{COUNT, check, cut, everywhere, numbered, tight};

/// A proxy in both directions whose `run` is dropped after every few polls, or that is dropped itself.
async fn through_a_proxy(at: &str, renewed: bool) -> Done {
    let (client, front) = (Dealer::new(tight())?, Router::new(tight())?);
    let (back, worker) = (Dealer::new(tight())?, Dealer::new(tight())?);
    let (capture, observer) = (Push::new(tight())?, Pull::new(tight())?);
    client.connect(front.bind(at).await?)?;
    let at = |name: &str| format!("{at}-{name}").replace(&format!(":*-{name}"), ":*");
    worker.connect(back.bind(at("back")).await?)?;
    capture.connect(observer.bind(at("capture")).await?)?;
    let (send, recv) = client.split();
    let asking = tokio::spawn(async move {
        for at in 0..COUNT {
            send.send(numbered(at)).await?;
        }
        Ok::<_, SendError>(send)
    });
    let working = tokio::spawn(async move {
        for at in 0..COUNT {
            let question = worker.recv().await.expect("a question");
            assert_eq!(question.get(1).map(|it| &**it), Some(&at.to_be_bytes()[..]));
            worker.send(question).await?;
        }
        Ok::<_, SendError>(worker)
    });
    let copied = tokio::spawn(async move {
        if !renewed {
            for _ in 0..2 * COUNT {
                observer.recv().await.expect("a copy");
            }
        }
        observer
    });
    let answered = async {
        for at in 0..COUNT {
            check(recv.recv().await, at);
        }
    };
    let device = async {
        if renewed {
            insist!(proxy(&front, &back)).await
        } else {
            let mut device = Proxy::new(&front, &back)?.capture(&capture)?;
            insist!(device.run()).await
        }
    };
    let both = async {
        answered.await;
        copied.await.expect("the observer")
    };
    tokio::select! {
        ended = device => panic!("{ended:?}"),
        observer = rt::in_time("all answers", both) => {
            assert_eq!(observer.try_recv(), Err(RecvError::WouldBlock), "no copy comes twice");
        }
    }
    asking.await??;
    working.await??;
    Ok(())
}

// ZMTP-MSG-05, ZMTP-MSG-06
#[test]
fn proxy_runs_that_are_dropped() -> Done {
    rt::run(async {
        for at in everywhere("proxy-run") {
            through_a_proxy(&at, false).await?;
        }
        Ok(())
    })
}

#[test]
fn proxies_that_are_dropped() -> Done {
    rt::run(async {
        for at in everywhere("proxy") {
            through_a_proxy(&at, true).await?;
        }
        Ok(())
    })
}
