//! Where messages end that are not wholly written.

use std::collections::VecDeque;

/// The ends of messages, in octets of a connection. Messages of one size in a row are one entry, so that
/// most cost no more than a count.
#[derive(Debug, Default)]
pub(super) struct Ends {
    runs: VecDeque<Run>,
    messages: usize,
}

#[derive(Debug)]
struct Run {
    /// Where the first begins.
    start: u64,
    /// Octets of each.
    len: u64,
    messages: u64,
}

impl Ends {
    /// Messages that are not wholly written.
    pub(super) const fn len(&self) -> usize {
        self.messages
    }

    /// Appends a message of `len` octets that begins at `start`.
    #[inline]
    pub(super) fn push(&mut self, start: u64, len: u64) {
        self.messages += 1;
        match self.runs.back_mut() {
            Some(run) if run.len == len && run.start + run.messages * len == start => {
                run.messages += 1;
            }
            _ => self.runs.push_back(Run { start, len, messages: 1 }),
        }
    }

    /// Forgets what ends within the first `written` octets.
    pub(super) fn written(&mut self, written: u64) {
        while let Some(run) = self.runs.front_mut() {
            // No message is without octets.
            let whole = written.saturating_sub(run.start) / run.len.max(1);
            let whole = whole.min(run.messages);
            run.start += whole * run.len;
            run.messages -= whole;
            self.messages -= usize::try_from(whole).unwrap_or(self.messages);
            if run.messages > 0 {
                return;
            }
            self.runs.pop_front();
        }
    }

    /// Forgets all, and says how many there were.
    pub(super) fn clear(&mut self) -> usize {
        std::mem::take(self).messages
    }

    /// Gives memory back, if there is nothing and it is much.
    pub(super) fn release(&mut self) {
        if self.runs.is_empty() && self.runs.capacity() > 16 {
            self.runs = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Ends;

    proptest! {
        /// Whatever the sizes and what lies between messages, the count is that of a list of all ends.
        #[test]
        fn counts_like_a_list_of_ends(
            messages in proptest::collection::vec((2_u64..5, 0_u64..2), 0..40),
            writes in proptest::collection::vec(0_u64..20, 0..40),
        ) {
            let (mut ends, mut list, mut at) = (Ends::default(), Vec::new(), 0);
            for (len, between) in messages {
                // Something that is no message.
                at += between;
                ends.push(at, len);
                at += len;
                list.push(at);
            }
            let mut written = 0;
            for count in writes {
                written = at.min(written + count);
                ends.written(written);
                list.retain(|end| *end > written);
                prop_assert_eq!(ends.len(), list.len());
            }
            ends.written(at);
            prop_assert_eq!(ends.clear(), 0);
        }
    }
}
