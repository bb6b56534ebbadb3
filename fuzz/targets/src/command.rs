//! The body of a command frame.

use bytes::BytesMut;
use zmtp_core::wire::command::Command;
use zmtp_core::wire::frame::{FrameHeader, FrameKind};
use zmtp_core::wire::heartbeat::{Ping, decode_pong};
use zmtp_core::wire::reason::ErrorReason;
use zmtp_core::wire::subscription::SubscriptionChange;

use crate::common::{heap, naive};

/// Commands are read as a naive reader does, and written as they were read.
pub fn run(data: &[u8]) {
    let read = heap::bounded(data.len(), 0, || Command::decode(data));
    assert_eq!(read.ok().map(|it| (it.name, it.data)), naive::command(data));
    if let Ok(lenient) = Command::decode_lenient(data) {
        assert!(read.is_ok() || data.starts_with(b"^RROR"), "{lenient:?}");
    }
    let Ok(command) = read else { return };
    let mut body = BytesMut::new();
    command.encode_body(&mut body);
    assert_eq!(body, data);
    let mut frame = BytesMut::new();
    command.encode_frame(&mut frame);
    let header = FrameHeader::decode(&frame).expect("a frame of ours");
    let (header, at) = header.expect("a whole one");
    assert_eq!(header, FrameHeader::new(FrameKind::Command, data.len()));
    assert_eq!(&frame[at..], data);
    parts(command.data);
}

/// What the data of a command may be.
fn parts(data: &[u8]) {
    if let Ok(ping) = Ping::decode(data) {
        assert_eq!(ping.with_command(|command| command.data.to_vec()), data);
        assert_eq!(ping.context.as_bytes(), &data[2..]);
    } else {
        assert!(!(2..=18).contains(&data.len()));
    }
    assert_eq!(decode_pong(data).is_ok(), data.len() <= 16);
    if let Ok(reason) = ErrorReason::decode(data) {
        assert_eq!(reason.encode(), data);
        let shown = format!("{reason} {reason:?}");
        assert!(shown.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "unescaped: {shown:?}");
    }
    if let Some((change, prefix)) = SubscriptionChange::from_message(data) {
        assert_eq!([&[change.marker()], prefix].concat(), data);
    }
}
