//! What one side says, record by record, and what happens to it on the way.

use std::collections::VecDeque;
use std::time::Duration;

use arbitrary::Arbitrary;

use super::naive::{self, Front};
use super::octets;

/// What happens to the next record: the greeting, or a frame.
#[derive(Debug, Clone, PartialEq, Eq, Arbitrary)]
pub enum Op {
    /// Nothing.
    Pass,
    /// It is lost.
    Drop,
    /// It comes twice.
    Repeat,
    /// It comes behind the one that follows.
    Late,
    /// One bit of it is another.
    Flip(u16),
    /// Only so many octets of it come.
    Cut(u16),
    /// So many octets more come, of this value.
    Grow(u8, u8),
    /// These octets come before it.
    Inject(Vec<u8>),
    /// It comes in the long form, if it is a frame.
    Long,
    /// The connection ends before it.
    Close,
    /// So many tenths of a second pass before it.
    Wait(u8),
}

/// What comes out at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// Octets.
    Octets(Vec<u8>),
    /// The end.
    End,
    /// Time.
    Time(Duration),
}

/// One direction.
#[derive(Debug, Default)]
pub struct Wire {
    seen: usize,
    queue: VecDeque<Vec<u8>>,
    late: Vec<Vec<u8>>,
}

impl Wire {
    /// Takes what is new in all that one side ever wrote.
    pub fn take(&mut self, written: &[u8]) {
        while let Some(len) = record(&written[self.seen..], self.seen == 0) {
            self.queue.push_back(written[self.seen..self.seen + len].to_vec());
            self.seen += len;
        }
    }

    /// Whether nothing is on its way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// What becomes of the next record.
    pub fn next(&mut self, op: &Op) -> Vec<Arrival> {
        let Some(mut record) = self.queue.pop_front() else { return Vec::new() };
        let mut arrivals = Vec::new();
        match op {
            Op::Pass => {}
            Op::Drop => return arrivals,
            Op::Repeat => arrivals.push(Arrival::Octets(record.clone())),
            Op::Late => {
                self.late.push(record);
                return arrivals;
            }
            Op::Flip(bit) => {
                let bit = usize::from(*bit) % (record.len() * 8);
                record[bit / 8] ^= 1 << (bit % 8);
            }
            Op::Cut(len) => record.truncate(usize::from(*len)),
            Op::Grow(count, value) => record.resize(record.len() + usize::from(*count), *value),
            Op::Inject(octets) => arrivals.push(Arrival::Octets(octets.clone())),
            Op::Long => record = long(record),
            Op::Close => arrivals.push(Arrival::End),
            Op::Wait(tenths) => {
                arrivals.push(Arrival::Time(Duration::from_millis(100) * u32::from(*tenths)));
            }
        }
        arrivals.push(Arrival::Octets(record));
        arrivals.extend(self.late.drain(..).map(Arrival::Octets));
        arrivals
    }
}

/// Octets of the next record, if it is there.
fn record(octets: &[u8], is_greeting: bool) -> Option<usize> {
    if is_greeting {
        return (octets.len() >= 64).then_some(64);
    }
    match naive::front(octets) {
        Front::Header { at, len, .. } if octets.len() as u64 >= at as u64 + len => {
            Some(at + len as usize)
        }
        _ => None,
    }
}

fn long(record: Vec<u8>) -> Vec<u8> {
    match naive::frames(&record).pop() {
        Some((flags, body)) if record.len() == 2 + body.len() => {
            [octets::long_header(flags, body.len() as u64), body].concat()
        }
        _ => record,
    }
}
