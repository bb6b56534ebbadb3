//! Streams, over every transport of this platform.

use std::io::{ErrorKind, IoSlice};

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};

use super::*;

async fn pairs() -> Result<Vec<Connected>, Box<dyn std::error::Error>> {
    let mut pairs = Vec::new();
    for text in ["tcp://127.0.0.1:*", "ipc://*"] {
        if cfg!(not(unix)) && text.starts_with("ipc") {
            assert!(matches!(bind_error(text).await, BindErrorKind::Unsupported(_)));
            continue;
        }
        pairs.push(connect(&bind(text).await?).await?);
    }
    Ok(pairs)
}

#[tokio::test]
async fn an_idle_stream_needs_no_buffer() -> TestResult {
    for Connected { accepted, dialled, .. } in pairs().await? {
        let mut buffer = [0; 16];
        let idle = accepted.try_read(&mut buffer).expect_err("nothing was sent");
        assert_eq!(idle.kind(), ErrorKind::WouldBlock);
        assert_eq!(dialled.try_write(b"hello")?, 5);
        accepted.readable().await?;
        assert_eq!(accepted.try_read(&mut buffer)?, 5);
        assert_eq!(&buffer[..5], b"hello");

        dialled.writable().await?;
        dialled.try_write(b"more")?;
        let ready = accepted.ready(Interest::READABLE).await?;
        assert!(ready.is_readable());
        let mut growing = BytesMut::with_capacity(64);
        assert_eq!(accepted.try_read_buf(&mut growing)?, 4);
        assert_eq!(&growing[..], b"more");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_missed_behind_a_short_read() -> TestResult {
    for Connected { accepted, dialled, .. } in pairs().await? {
        let mut buffer = BytesMut::with_capacity(64);
        for round in 0..1000_u32 {
            dialled.writable().await?;
            assert_eq!(dialled.try_write(&round.to_be_bytes())?, 4);
            while buffer.len() < 4 {
                accepted.readable().await?;
                match accepted.try_read_out(&mut (&mut buffer).limit(60)) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    count => assert!(count? > 0),
                }
            }
            assert_eq!(buffer[..], round.to_be_bytes());
            buffer.clear();
        }
        dialled.try_write(b"last words")?;
        drop(dialled);
        for expected in [10, 0] {
            accepted.readable().await?;
            assert_eq!(accepted.try_read_out(&mut (&mut buffer).limit(60))?, expected);
        }
    }
    Ok(())
}

#[tokio::test]
async fn several_buffers_go_out_in_order() -> TestResult {
    for Connected { mut accepted, mut dialled, .. } in pairs().await? {
        assert!(dialled.is_write_vectored());
        let parts = [IoSlice::new(b"a"), IoSlice::new(b""), IoSlice::new(b"bcd")];
        assert_eq!(dialled.try_write_vectored(&parts)?, 4);
        assert_eq!(dialled.write_vectored(&parts).await?, 4);
        let mut buffer = [0; 8];
        accepted.read_exact(&mut buffer).await?;
        assert_eq!(&buffer, b"abcdabcd");
    }
    Ok(())
}

#[tokio::test]
async fn a_full_stream_pushes_back_and_loses_nothing() -> TestResult {
    for Connected { mut accepted, dialled, .. } in pairs().await? {
        let block: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
        let halves = block.split_at(10_000);
        let mut sent = 0;
        let full = loop {
            match dialled.try_write_vectored(&[IoSlice::new(halves.0), IoSlice::new(halves.1)]) {
                Ok(written) if written == block.len() => sent += written,
                Ok(written) => {
                    sent += written;
                    break dialled.try_write(b"x").map_err(|error| error.kind());
                }
                Err(error) => break Err(error.kind()),
            }
        };
        sent += full.or_else(|kind| {
            assert_eq!(kind, ErrorKind::WouldBlock);
            Ok::<_, std::io::Error>(0)
        })?;
        dialled.shutdown_write()?;
        let mut received = Vec::new();
        accepted.read_to_end(&mut received).await?;
        assert_eq!(received.len(), sent);
    }
    Ok(())
}

#[tokio::test]
async fn one_direction_can_end_before_the_other() -> TestResult {
    for Connected { mut accepted, mut dialled, .. } in pairs().await? {
        dialled.try_write(b"last words")?;
        dialled.shutdown_write()?;
        let mut words = String::new();
        accepted.read_to_string(&mut words).await?;
        assert_eq!(words, "last words");
        assert_eq!(accepted.try_read(&mut [0; 1])?, 0, "the end is read as 0 octets");
        accepted.write_all(b"heard").await?;
        accepted.flush().await?;
        accepted.shutdown().await?;
        let mut answer = String::new();
        dialled.read_to_string(&mut answer).await?;
        assert_eq!(answer, "heard");
    }
    Ok(())
}

#[tokio::test]
async fn a_peer_that_vanishes_is_noticed() -> TestResult {
    for Connected { accepted, dialled, .. } in pairs().await? {
        drop(dialled);
        accepted.readable().await?;
        assert_eq!(accepted.try_read(&mut [0; 1])?, 0);
    }
    Ok(())
}
