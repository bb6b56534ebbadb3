//! Much of all lengths from one peer: everything comes once, and in order, however it is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use ironhouse::{Options, Pull, Push, blocking, poll};
use ironhouse_tests::ours::pipeline;
use ironhouse_tests::place::ANYWHERE;
use ironhouse_tests::{Done, Fallible, rt};

const COUNT: u32 = 6_000;

/// Something that looks random, and is the same each time.
const fn scatter(at: u32) -> u32 {
    at.wrapping_mul(2_654_435_761) >> 7
}

/// The message in this place: mostly some kilobytes, sometimes hundreds.
fn body(at: u32) -> Vec<u8> {
    let scattered = scatter(at) as usize;
    let length = if scattered.is_multiple_of(50) { scattered % 300_000 } else { scattered % 9_000 };
    let mut body = vec![at.to_le_bytes()[0]; length + 4];
    body[..4].copy_from_slice(&at.to_be_bytes());
    body
}

/// Which one it is, if it is whole.
fn number(body: &[u8]) -> u32 {
    let (at, _) = body.split_first_chunk().expect("four octets");
    let at = u32::from_be_bytes(*at);
    assert!(body == self::body(at), "message {at}");
    at
}

/// Whether whoever is at this message takes a break.
const fn rests(at: u32) -> bool {
    scatter(at).is_multiple_of(499)
}

const A_BREAK: Duration = Duration::from_millis(3);

async fn send_all(push: Push) -> Fallible<usize> {
    for at in 0..COUNT {
        if rests(!at) {
            tokio::time::sleep(A_BREAK).await;
        }
        push.send(body(at)).await?;
    }
    Ok(push.close().await)
}

/// The next message, in one way or another.
async fn take(pull: &Pull, at: u32) -> Fallible<Vec<u8>> {
    let message = loop {
        let limit = Duration::from_micros(u64::from(scatter(at) % 900));
        let taken = match scatter(at) % 7 {
            0 => pull.recv_timeout(limit).await.ok(),
            1 => pull.try_recv().ok(),
            2 => {
                poll(&[pull], Some(limit)).await;
                pull.try_recv().ok()
            }
            3 => tokio::time::timeout(limit, pull.recv()).await.ok().transpose()?,
            _ => Some(rt::in_time("a message", pull.recv()).await?),
        };
        match taken {
            Some(message) => break message,
            None => tokio::task::yield_now().await,
        }
    };
    Ok(message.first().to_vec())
}

fn in_order(options: Options) -> Done {
    rt::run(async {
        let (push, pull) = pipeline(ANYWHERE, Options::new(), options).await?;
        let sent = tokio::spawn(async { send_all(push).await.expect("a peer that takes all") });
        for at in 0..COUNT {
            assert_eq!(number(&take(&pull, at).await?), at);
            if rests(at) {
                tokio::time::sleep(A_BREAK).await;
            }
        }
        assert_eq!(sent.await?, 0);
        Ok(())
    })
}

#[test]
fn who_receives_now_in_one_way_and_now_in_another_gets_all_in_order() -> Done {
    in_order(Options::new())
}

#[test]
fn who_spins_in_between_gets_all_in_order() -> Done {
    in_order(Options::new().spin(Duration::from_micros(30)))
}

#[test]
fn all_who_receive_at_once_get_everything_once() -> Done {
    rt::run(async {
        let (push, pull) = pipeline(ANYWHERE, Options::new(), Options::new()).await?;
        let pull = Arc::new(pull);
        let seen: Arc<Vec<AtomicU8>> = Arc::new((0..COUNT).map(|_| AtomicU8::new(0)).collect());
        let left = Arc::new(AtomicU32::new(COUNT));
        let receivers: Vec<_> = (1..=4)
            .map(|impatience| {
                let (pull, seen, left) = (pull.clone(), seen.clone(), left.clone());
                tokio::spawn(async move {
                    while left.load(Ordering::SeqCst) > 0 {
                        let limit = Duration::from_millis(20 / impatience);
                        let Ok(message) = pull.recv_timeout(limit).await else { continue };
                        let at = number(message.first());
                        seen[at as usize].fetch_add(1, Ordering::SeqCst);
                        left.fetch_sub(1, Ordering::SeqCst);
                        if rests(at) {
                            tokio::time::sleep(A_BREAK).await;
                        }
                    }
                })
            })
            .collect();
        assert_eq!(send_all(push).await?, 0);
        for receiver in receivers {
            rt::in_time("all messages", receiver).await?;
        }
        assert!(seen.iter().all(|it| it.load(Ordering::SeqCst) == 1));
        Ok(())
    })
}

#[test]
fn a_thread_that_receives_gets_all_in_order() -> Done {
    let pull = blocking::Pull::new(Options::new())?;
    let push = blocking::Push::new(Options::new())?;
    push.connect(&pull.bind(ANYWHERE)?)?.ready_timeout(rt::LATE)?;
    let sent = thread::spawn(move || {
        for at in 0..COUNT {
            if rests(!at) {
                thread::sleep(A_BREAK);
            }
            push.send(body(at)).expect("a peer that takes all");
        }
        push.close()
    });
    for at in 0..COUNT {
        let limit = Duration::from_micros(u64::from(scatter(at) % 900));
        let message = loop {
            let taken = match scatter(at) % 7 {
                0 => pull.recv_timeout(limit).ok(),
                1 => pull.try_recv().ok(),
                _ => Some(pull.recv_timeout(rt::LATE)?),
            };
            if let Some(message) = taken {
                break message;
            }
        };
        assert_eq!(number(message.first()), at);
        if rests(at) {
            thread::sleep(A_BREAK);
        }
    }
    assert_eq!(sent.join().expect("said why already"), 0);
    Ok(())
}
