use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use tokio::sync::broadcast::error::TryRecvError;

use super::{Amount, Backlog, Departed, DepartedLimits, PEER};
use crate::events::{Event, EventSink};
use crate::pipe::tests::Nobody;
use crate::pipe::{HighWaterMarks, Pipe, PipeId};

#[derive(Debug, Default)]
struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn pipe() -> PipeId {
    Pipe::new(Arc::new(Nobody::default()), HighWaterMarks::default(), false).id()
}

fn backlog(messages: usize, octets: usize) -> Arc<Backlog> {
    Backlog::new(DepartedLimits { messages, octets }, EventSink::new(16))
}

fn left(backlog: &Arc<Backlog>, messages: usize, octets: usize) -> Departed {
    Departed::new(backlog.clone(), None, Amount { messages, octets })
}

fn holds_back(backlog: &Backlog) -> bool {
    backlog.holds_back(pipe(), Waker::noop())
}

/// One below the limit, at it, and above it.
#[test]
fn the_limits_hold_to_the_message_and_to_the_octet() {
    for (count, full) in [(99, false), (100, true), (101, true)] {
        let backlog = backlog(100, 0);
        let first = left(&backlog, 60, 1 << 40);
        let second = left(&backlog, count - 60, 1 << 40);
        assert_eq!(holds_back(&backlog), full, "{count} messages");
        drop((first, second));
        assert!(!holds_back(&backlog), "{count} messages are gone");
    }
    for (octets, full) in [(9_999, false), (10_000, true), (10_001, true)] {
        let backlog = backlog(0, 10_000);
        let first = left(&backlog, 1_000_000, 5_000);
        let second = left(&backlog, 1, octets - 5_000 - 2 * PEER);
        assert_eq!(holds_back(&backlog), full, "{octets} octets");
        drop((first, second));
    }
    let unbounded = backlog(0, 0);
    let much = left(&unbounded, usize::MAX, usize::MAX);
    assert!(!holds_back(&unbounded));
    drop(much);
}

#[test]
fn who_waits_is_woken_when_half_was_read() {
    let backlog = backlog(100, 0);
    let mut events = backlog.events.subscribe();
    let mut departed = left(&backlog, 150, 0);
    let woken = Arc::new(Counted::default());
    let (stays, leaves) = (pipe(), pipe());
    let waker = Waker::from(woken.clone());
    assert!(backlog.holds_back(stays, &waker) && backlog.holds_back(leaves, &waker));
    assert!(backlog.holds_back(stays, &waker), "asked again it still counts once");
    backlog.forget(leaves);
    backlog.report();
    backlog.report();
    let octets = PEER;
    assert_eq!(events.try_recv(), Ok(Event::BacklogFull { messages: 150, octets }));
    for (messages, wakes) in [(100, 0), (99, 0), (50, 0), (49, 1), (0, 1)] {
        departed.set(Amount { messages, octets: 0 });
        assert_eq!(woken.0.load(Ordering::SeqCst), wakes, "{messages} left");
        assert_eq!(backlog.holds_back(stays, Waker::noop()), wakes == 0, "{messages} left");
        if wakes == 0 {
            assert!(backlog.holds_back(stays, &waker));
        }
    }
    assert_eq!(events.try_recv(), Ok(Event::BacklogRead));
    assert_eq!(events.try_recv(), Err(TryRecvError::Empty), "each is told once");
}
