//! Two connections and the two queues between them, in virtual time.

use std::time::Duration;

use zmtp_core::connection::ConnectionConfig;

use super::Node;

/// Which way a record travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// How the stream of either direction is cut into reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Everything that is there at once.
    Whole,
    /// One octet per read.
    Octets,
    /// Two reads around this position of each stream.
    At(usize),
}

type Edit = Box<dyn FnMut(Way, &mut Vec<u8>)>;

/// `client` talks to `server`; the names say no more than who is who.
pub(crate) struct Pair {
    pub(crate) client: Node,
    pub(crate) server: Node,
    cut: Cut,
    edit: Edit,
    to_server: Stream,
    to_client: Stream,
}

#[derive(Default)]
struct Stream {
    greeted: bool,
    delivered: usize,
    ended: bool,
}

impl Pair {
    pub(crate) fn new(client: ConnectionConfig, server: ConnectionConfig) -> Self {
        Self::of(Node::new(client), Node::new(server))
    }

    pub(crate) fn of(client: Node, server: Node) -> Self {
        Self {
            client,
            server,
            cut: Cut::Whole,
            edit: Box::new(|_, _| ()),
            to_server: Stream::default(),
            to_client: Stream::default(),
        }
    }

    pub(crate) fn cut(mut self, cut: Cut) -> Self {
        self.cut = cut;
        self
    }

    /// Changes records (the greeting, then frames) in flight; an emptied one is lost.
    pub(crate) fn edit(mut self, edit: impl FnMut(Way, &mut Vec<u8>) + 'static) -> Self {
        self.edit = Box::new(edit);
        self
    }

    /// Carries octets to and fro until none is in flight. Who fails closes behind what it still
    /// had to say.
    pub(crate) fn run(&mut self) -> &mut Self {
        while self.carry(Way::ToServer) | self.carry(Way::ToClient) {}
        self
    }

    /// Time passes for both; timers fire in their order.
    pub(crate) fn wait(&mut self, time: Duration) -> &mut Self {
        self.run();
        let end = self.client.now + time;
        loop {
            let dues = [&self.client, &self.server].map(|node| node.connection.poll_timeout());
            let Some(due) = dues.into_iter().flatten().min().filter(|due| *due <= end) else {
                break;
            };
            for (node, own) in [&mut self.client, &mut self.server].into_iter().zip(dues) {
                node.now = due;
                if own == Some(due) {
                    node.fire();
                }
            }
            self.run();
        }
        self.client.now = end;
        self.server.now = end;
        self
    }

    fn carry(&mut self, way: Way) -> bool {
        let (from, to, stream) = match way {
            Way::ToServer => (&mut self.client, &mut self.server, &mut self.to_server),
            Way::ToClient => (&mut self.server, &mut self.client, &mut self.to_client),
        };
        let octets = from.written();
        if octets.is_empty() {
            let ends = from.error.is_some() && !stream.ended;
            if ends {
                stream.ended = true;
                to.end();
            }
            return ends;
        }
        let mut edited = Vec::new();
        for mut record in records(&octets, &mut stream.greeted) {
            (self.edit)(way, &mut record);
            edited.append(&mut record);
        }
        stream.deliver(&edited, self.cut, to);
        true
    }
}

impl Stream {
    fn deliver(&mut self, octets: &[u8], cut: Cut, to: &mut Node) {
        match cut {
            Cut::Octets => to.dribble(octets),
            Cut::At(at) if (self.delivered + 1..self.delivered + octets.len()).contains(&at) => {
                let (head, tail) = octets.split_at(at - self.delivered);
                to.feed(head).feed(tail)
            }
            Cut::Whole | Cut::At(_) => to.feed(octets),
        };
        self.delivered += octets.len();
    }
}

/// The greeting, then frame by frame. A connection never writes half of one.
fn records(mut octets: &[u8], greeted: &mut bool) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while !octets.is_empty() {
        let len = match (*greeted, octets) {
            (false, _) => 64,
            (true, [flags, len, ..]) if flags & 2 == 0 => 2 + usize::from(*len),
            (true, _) => 9 + u64::from_be_bytes(octets[1..9].try_into().unwrap()) as usize,
        };
        *greeted = true;
        let (record, rest) = octets.split_at(len);
        records.push(record.to_vec());
        octets = rest;
    }
    records
}
