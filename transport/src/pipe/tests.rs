use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use zmtp_core::Message;
use zmtp_core::error::ProtocolError;

use super::{HighWaterMarks, Joint, Owner, Pipe, TrySendError};

/// A socket that wants nothing, and counts how often it is told that it may go on.
#[derive(Debug, Default)]
pub(crate) struct Nobody {
    told: AtomicUsize,
}

impl Owner for Nobody {
    fn connecting(&self, _pipe: &Arc<Pipe>) {}

    fn established(&self, _pipe: &Arc<Pipe>) -> Result<(), ProtocolError> {
        Ok(())
    }

    fn lost(&self, _pipe: &Arc<Pipe>, _reconnecting: bool) {}

    fn readable(&self, _pipe: &Arc<Pipe>) {}

    fn writable(&self, _pipe: &Arc<Pipe>) {
        self.told.fetch_add(1, Ordering::SeqCst);
    }

    fn stopped(&self) {}
}

/// Two pipes that are joined have room for what the marks of both allow: who was refused before is told.
#[test]
fn a_sender_that_was_full_before_it_was_joined_goes_on() {
    let marks = HighWaterMarks { send: 2, receive: 2 };
    let sender = Arc::new(Nobody::default());
    let from = Pipe::new(sender.clone(), marks, false);
    let to = Pipe::new(Arc::new(Nobody::default()), marks, false);
    let sent = [(); 3].map(|()| from.try_send(&Message::default()));
    assert_eq!(sent, [Ok(()), Ok(()), Err(TrySendError::Full)]);
    Pipe::join(&from, &to, &Arc::new(Joint::default()));
    assert_eq!(sender.told.load(Ordering::SeqCst), 1);
    let sent = [(); 3].map(|()| from.try_send(&Message::default()));
    assert_eq!(sent, [Ok(()), Ok(()), Err(TrySendError::Full)]);
}

/// One below the default marks, at them, and one above.
#[test]
fn the_default_marks_are_exact() {
    for (count, full) in [(999_usize, false), (1_000, true), (1_001, true)] {
        let pipe = Pipe::new(Arc::new(Nobody::default()), HighWaterMarks::default(), false);
        let sent: Vec<_> = (0..count).map(|_| pipe.try_send(&Message::default())).collect();
        let refused = sent.iter().filter(|it| **it == Err(TrySendError::Full)).count();
        assert_eq!((refused, pipe.has_room()), (count.saturating_sub(1_000), !full), "{count}");

        let mut messages: VecDeque<_> = vec![Message::default(); count].into();
        pipe.deliver(&mut messages, 0);
        let room = pipe.room(Waker::noop());
        assert_eq!(room, Some(1_000_usize.saturating_sub(count)), "{count}");
    }
}
