//! Sockets of libzmq for strangers to knock at, in a process of their own: what they say may end it.
//!
//! Prints `NAME ENDPOINT` for each and ends with its standard input.

use std::io::{Read, Write};
use std::thread;

use fuzz_targets::common::secrets;
use ironhouse_tests::Done;
use ironhouse_tests::theirs::context;
use libzmq_reference as zmq;

fn main() -> Done {
    let context = context();
    let _zap = zmq::ZapHandler::start(&context, |request| request.accept("anybody"))?;
    open(&context, "null-rep", zmq::SocketType::Rep, |_| Ok(()))?;
    open(&context, "null-router", zmq::SocketType::Router, |_| Ok(()))?;
    open(&context, "plain-rep", zmq::SocketType::Rep, |socket| {
        socket.plain_server(true)?.zap_domain("domain")?;
        Ok(())
    })?;
    open(&context, "curve-rep", zmq::SocketType::Rep, |socket| {
        socket.curve_server(true)?.curve_secretkey(secrets::SERVER)?.zap_domain("domain")?;
        Ok(())
    })?;
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    // Sockets that still have peers would be waited for.
    std::process::exit(0)
}

fn open(
    context: &zmq::Context,
    name: &str,
    kind: zmq::SocketType,
    set: impl FnOnce(&zmq::Socket) -> Result<(), zmq::Error>,
) -> Done {
    let socket = context.socket(kind)?;
    set(&socket)?;
    socket.rcvtimeo(-1)?.rcvhwm(0)?.sndhwm(0)?;
    println!("{name} {}", socket.bind("tcp://127.0.0.1:*")?);
    thread::spawn(move || {
        while let Ok(message) = socket.recv_multipart() {
            // Whoever asked may have left; a REP sends what it has no address for to nobody.
            _ = socket.send_multipart(message);
        }
    });
    Ok(())
}
