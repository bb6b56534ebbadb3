//! The parts. What stands in a function that is never inlined is counted; what prepares it is not.

use std::collections::VecDeque;
use std::hint::black_box;

use bytes::{Buf, BytesMut};
use ironhouse::{Pull, Push};
use zmtp_core::Message;
use zmtp_core::traffic::{Incoming, Outgoing, Received, TAKE_FROM};

use crate::Error;
use crate::world::{Sockets, Talk, World};

/// Something to count.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// The function that is counted, in this module.
    pub(crate) function: &'static str,
    /// How many times it does its work.
    pub(crate) times: u64,
    /// Prepares and runs it.
    pub(crate) run: fn() -> Result<(), Error>,
}

const fn part(
    name: &'static str,
    function: &'static str,
    times: u64,
    run: fn() -> Result<(), Error>,
) -> Part {
    Part { name, function, times, run }
}

const SMALL: usize = 64;
const LARGE: usize = 64 * 1024;
/// Fewer than half of the high-water mark.
const MANY: u64 = 400;
const FEW: u64 = 16;

pub(crate) const PARTS: &[Part] = &[
    part("encode", "encode", MANY, || produce(World::null(), SMALL, MANY)),
    part("encode-large", "encode", FEW, || produce(World::null(), LARGE, FEW)),
    part("decode", "decode", MANY, || consume(World::null(), SMALL, MANY)),
    part("decode-large", "decode", FEW, || consume(World::null(), LARGE, FEW)),
    part("send", "send", MANY, || run_send("tcp://127.0.0.1:*")),
    part("send-inproc", "send", MANY, || run_send("inproc://send")),
    part("recv", "recv", MANY, run_recv),
    part("request", "request", MANY, || request(&Talk::begun()?)),
    part("seal", "encode", MANY, || produce(World::curve()?, SMALL, MANY)),
    part("seal-large", "encode", FEW, || produce(World::curve()?, LARGE, FEW)),
    part("open", "decode", MANY, || consume(World::curve()?, SMALL, MANY)),
    part("open-large", "decode", FEW, || consume(World::curve()?, LARGE, FEW)),
    part("handshake-null", "handshake", FEW, || handshake(&mut World::null())),
    part("handshake-curve", "handshake", FEW, || handshake(&mut World::curve()?)),
];

#[inline(never)]
fn encode(outgoing: &mut Outgoing, message: &Message, times: u64) -> Result<(), Error> {
    for _ in 0..times {
        outgoing.send(black_box(message))?;
    }
    Ok(())
}

#[inline(never)]
fn decode(incoming: &mut Incoming, inputs: &mut [BytesMut]) -> Result<u64, Error> {
    let mut messages = VecDeque::new();
    let mut count = 0;
    for input in inputs {
        let octets = incoming.plain_messages(input, usize::MAX, &mut messages);
        input.advance(octets);
        count += messages.len() as u64;
        black_box(&mut messages).clear();
        while let Some(received) = incoming.next(input)? {
            if let Received::Message(message) = received {
                black_box(message);
                count += 1;
            }
        }
    }
    Ok(count)
}

#[inline(never)]
fn send(push: &Push, body: &[u8]) -> Result<(), Error> {
    for _ in 0..MANY {
        push.try_send(black_box(body))?;
    }
    Ok(())
}

#[inline(never)]
fn recv(pull: &Pull) -> Result<(), Error> {
    for _ in 0..MANY {
        black_box(pull.try_recv()?);
    }
    Ok(())
}

/// And its answer.
#[inline(never)]
fn request(talk: &Talk) -> Result<(), Error> {
    talk.ask_and_answer(&[7; SMALL], MANY)
}

#[inline(never)]
fn handshake(world: &mut World) -> Result<(), Error> {
    for _ in 0..FEW {
        black_box(world.handshake()?);
    }
    Ok(())
}

fn produce(mut world: World, size: usize, times: u64) -> Result<(), Error> {
    let [mut client, _] = world.traffic()?;
    encode(&mut client.outgoing, &Message::new(vec![7; size]), times)
}

fn consume(mut world: World, size: usize, times: u64) -> Result<(), Error> {
    let [mut client, mut server] = world.traffic()?;
    let mut inputs = Vec::new();
    for _ in 0..times {
        client.outgoing.send(&Message::new(vec![7; size]))?;
        // As a driver reads: small frames together, a large one alone.
        if size >= TAKE_FROM {
            inputs.push(written(&mut client.outgoing));
        }
    }
    inputs.push(written(&mut client.outgoing));
    let count = decode(&mut server.incoming, &mut inputs)?;
    if count == times { Ok(()) } else { Err("messages are missing".into()) }
}

fn written(outgoing: &mut Outgoing) -> BytesMut {
    let octets: Vec<u8> = std::iter::from_fn(|| outgoing.output().poll()).flatten().collect();
    BytesMut::from(octets.as_slice())
}

fn run_send(endpoint: &str) -> Result<(), Error> {
    let sockets = Sockets::connected(endpoint)?;
    send(&sockets.push, &[7; SMALL])
}

fn run_recv() -> Result<(), Error> {
    let sockets = Sockets::connected("inproc://recv")?;
    for _ in 0..MANY {
        sockets.push.try_send(&[7; SMALL])?;
    }
    // Whatever the runtime has to do for that is done before.
    sockets.runtime.block_on(tokio::task::yield_now());
    recv(&sockets.pull)
}
