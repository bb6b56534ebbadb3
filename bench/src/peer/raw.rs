//! Sockets of the system, with batches and without any framing: what no implementation can pass.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, channel};

use super::{Body, End, Kind, Peer, Socket, Spec};
use crate::Error;
use crate::cases::SUBSCRIBERS;

/// Octets of one write; one of exactly 65,536 is slower than many others.
const WRITE: usize = 60_000;
/// Octets of one read.
const READ: usize = 256 * 1024;

pub struct Raw;

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

pub struct RawSocket {
    /// Connections, once they are there.
    coming: Receiver<Box<dyn Stream>>,
    streams: Vec<Box<dyn Stream>>,
    wanted: usize,
    body: usize,
    /// Whether every message is written at once.
    prompt: bool,
    output: Vec<u8>,
    input: Vec<u8>,
    /// Octets that were read and not received.
    read: usize,
}

impl Peer for Raw {
    type Socket = RawSocket;
    const BLOCKING: bool = true;

    async fn open(spec: Spec) -> Result<(RawSocket, String), Error> {
        let (there, coming) = channel::<Box<dyn Stream>>();
        let endpoint = match &spec.end {
            End::Bind(endpoint) if endpoint.starts_with("tcp:") => {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                let endpoint = format!("tcp://{}", listener.local_addr()?);
                std::thread::spawn(move || {
                    for stream in listener.incoming().flatten() {
                        let _ = stream.set_nodelay(true).and(stream.set_nonblocking(spec.spin));
                        let _ = there.send(Box::new(stream));
                    }
                });
                endpoint
            }
            End::Bind(endpoint) => {
                let listener = UnixListener::bind(endpoint.trim_start_matches("ipc://"))?;
                std::thread::spawn(move || {
                    for stream in listener.incoming().flatten() {
                        let _ = there.send(Box::new(stream));
                    }
                });
                endpoint.clone()
            }
            End::Connect(endpoint) => {
                match endpoint.strip_prefix("tcp://") {
                    Some(address) => {
                        let stream = TcpStream::connect(address)?;
                        stream.set_nodelay(true)?;
                        stream.set_nonblocking(spec.spin)?;
                        let _ = there.send(Box::new(stream));
                    }
                    None => {
                        let path = endpoint.trim_start_matches("ipc://");
                        let _ = there.send(Box::new(UnixStream::connect(path)?));
                    }
                }
                endpoint.clone()
            }
        };
        let socket = RawSocket {
            coming,
            streams: Vec::new(),
            wanted: if matches!(spec.kind, Kind::Pub) { SUBSCRIBERS } else { 1 },
            body: spec.body,
            prompt: matches!(spec.kind, Kind::Req | Kind::Rep),
            output: Vec::with_capacity(WRITE),
            input: vec![0; READ],
            read: 0,
        };
        Ok((socket, endpoint))
    }
}

impl RawSocket {
    fn streams(&mut self) -> Result<&mut Vec<Box<dyn Stream>>, Error> {
        while self.streams.len() < self.wanted {
            self.streams.push(self.coming.recv()?);
        }
        Ok(&mut self.streams)
    }

    fn flush(&mut self) -> Result<(), Error> {
        let output = std::mem::take(&mut self.output);
        for stream in self.streams()? {
            stream.write_all(&output)?;
        }
        self.output = output;
        self.output.clear();
        Ok(())
    }
}

impl Socket for RawSocket {
    async fn send(&mut self, body: &Body) -> Result<(), Error> {
        let octets = body.octets();
        if octets.len() > WRITE {
            for piece in octets.chunks(WRITE) {
                for stream in self.streams()? {
                    stream.write_all(piece)?;
                }
            }
            return Ok(());
        }
        if self.output.len() + octets.len() > WRITE {
            self.flush()?;
        }
        self.output.extend_from_slice(octets);
        if self.prompt { self.flush() } else { Ok(()) }
    }

    async fn recv(&mut self) -> Result<usize, Error> {
        while self.read < self.body {
            self.streams()?;
            let Some(stream) = self.streams.first_mut() else { continue };
            match stream.read(&mut self.input) {
                Ok(0) => return Err("the other side has left".into()),
                Ok(count) => self.read += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::hint::spin_loop(),
                Err(error) => return Err(error.into()),
            }
        }
        self.read -= self.body;
        Ok(self.body)
    }
}
