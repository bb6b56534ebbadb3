//! The client of handshakes without security: no more than what any client has to ask of the system, so
//! that what is measured is the server.
//!
//! Greeting and READY are the same for each connection, and leave in one write. What the server answers is
//! read until its READY is whole, and judged: then the handshake is complete on this side. The connection
//! is reset, not closed in order: that would keep its port for a minute, and a run takes more of them than
//! there are. Every server sees the same: a connection, all that the client has to say, and its end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use rustix::net::sockopt::set_socket_linger;
use zmtp_core::wire::command::{Command, name};
use zmtp_core::wire::frame::{FrameHeader, FrameKind};
use zmtp_core::wire::greeting::{GREETING_LEN, Greeting, MechanismName, Version};
use zmtp_core::wire::metadata::{Metadata, SOCKET_TYPE};
use zmtp_core::{Limits, SocketType};

use crate::Error;
use crate::cases::IN_FLIGHT;

/// Time in which some server answers some connection.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// [`IN_FLIGHT`] handshakes at any moment, on one thread.
pub struct Shaker {
    server: SocketAddr,
    /// All that the client says.
    hello: BytesMut,
    /// What the server has to be.
    expected: SocketType,
    poll: OwnedFd,
    connections: Vec<Shaking>,
    events: Vec<epoll::Event>,
}

struct Shaking {
    stream: TcpStream,
    /// What the server has said.
    input: BytesMut,
}

impl Shaker {
    /// Begins to shake hands with the PULL at this address, as a PUSH.
    pub fn begin(server: &str) -> Result<Self, Error> {
        let mut shaker = Self {
            server: server.parse()?,
            hello: hello(SocketType::PUSH)?,
            expected: SocketType::PULL,
            poll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            connections: Vec::with_capacity(IN_FLIGHT),
            events: Vec::with_capacity(IN_FLIGHT),
        };
        for at in 0..IN_FLIGHT {
            let stream = shaker.connect(at)?;
            shaker.connections.push(Shaking { stream, input: BytesMut::with_capacity(1024) });
        }
        Ok(shaker)
    }

    /// Completes handshakes for as long, each followed by another, and says how many.
    pub fn shake(&mut self, time: Duration) -> Result<u64, Error> {
        let (start, mut done) = (Instant::now(), 0);
        while start.elapsed() < time {
            self.events.clear();
            let room = rustix::buffer::spare_capacity(&mut self.events);
            if epoll::wait(&self.poll, room, Some(&PATIENCE))? == 0 {
                return Err("the server has not answered in time".into());
            }
            for event in 0..self.events.len() {
                let Some(event) = self.events.get(event) else { continue };
                let at = usize::try_from(event.data.u64())?;
                done += u64::from(self.advance(at)?);
            }
        }
        Ok(done)
    }

    /// A connection on which all is said that there is to say. The system completes it and takes what
    /// is written, whether or not the server has accepted it.
    fn connect(&self, at: usize) -> Result<TcpStream, Error> {
        let mut stream = TcpStream::connect(self.server)?;
        stream.write_all(&self.hello)?;
        let at = epoll::EventData::new_u64(at as u64);
        epoll::add(&self.poll, &stream, at, epoll::EventFlags::IN)?;
        Ok(stream)
    }

    /// Reads what is there. Whether that completed the handshake, and another one was begun.
    fn advance(&mut self, at: usize) -> Result<bool, Error> {
        let Some(Shaking { stream, input }) = self.connections.get_mut(at) else {
            return Ok(false);
        };
        let mut octets = [0; 512];
        match stream.read(&mut octets)? {
            0 => return Err("the server closed the connection".into()),
            count => input.extend_from_slice(octets.get(..count).unwrap_or_default()),
        }
        if !is_complete(input, self.expected)? {
            return Ok(false);
        }
        input.clear();
        set_socket_linger(&*stream, Some(Duration::ZERO))?;
        let next = self.connect(at)?;
        if let Some(connection) = self.connections.get_mut(at) {
            // What was there before is gone with its descriptor, also for those who wait for it.
            connection.stream = next;
        }
        Ok(true)
    }
}

/// Greeting and READY.
fn hello(socket_type: SocketType) -> Result<BytesMut, Error> {
    let greeting =
        Greeting { version: Version::V3_1, mechanism: MechanismName::NULL, as_server: false };
    let (mut hello, mut metadata) = (BytesMut::new(), Metadata::new());
    hello.extend_from_slice(&greeting.encode());
    metadata.push(SOCKET_TYPE, socket_type.as_str())?;
    let mut data = BytesMut::new();
    metadata.encode(&mut data);
    Command { name: name::READY, data: &data }.encode_frame(&mut hello);
    Ok(hello)
}

/// Whether this is all that a server of this type says before messages.
fn is_complete(input: &[u8], expected: SocketType) -> Result<bool, Error> {
    let Some(greeting) = Greeting::decode(input).map_err(|_| "that is no greeting")? else {
        return Ok(false);
    };
    if greeting.mechanism != MechanismName::NULL {
        return Err("the server wants another mechanism".into());
    }
    let rest = input.get(GREETING_LEN..).unwrap_or_default();
    let Some((header, at)) = FrameHeader::decode(rest)? else { return Ok(false) };
    let Some(body) = rest.get(at..).filter(|body| body.len() as u64 >= header.len) else {
        return Ok(false);
    };
    let command = Command::decode(body.get(..usize::try_from(header.len)?).unwrap_or_default())?;
    if header.kind != FrameKind::Command || command.name != name::READY {
        return Err("that is no READY".into());
    }
    let metadata = Metadata::decode(command.data, &Limits::DEFAULT)?;
    let theirs = metadata.get(SOCKET_TYPE).and_then(|value| SocketType::from_property(value));
    if theirs == Some(expected) { Ok(true) } else { Err("the server is of another type".into()) }
}
