//! The measurement behind the choice of primitives; what it printed is in `README.md`.
//!
//! `cargo test --release -p curve speed -- --ignored --nocapture`

extern crate std;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;
use std::time::Instant;
use std::{format, println};

use crypto_box::SalsaBox;
use crypto_box::aead::AeadInPlace;

use crate::boxes::*;

type Contender<'a> = (&'a str, Box<dyn FnMut() + 'a>);

/// Medians of interleaved rounds, in nanoseconds and relative to the first contender.
fn race(title: &str, rounds: u32, mut contenders: Vec<Contender<'_>>) {
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..15 {
        for ((_, run), times) in contenders.iter_mut().zip(&mut times) {
            let start = Instant::now();
            (0..rounds).for_each(|_| run());
            times.push(start.elapsed().as_nanos() / u128::from(rounds));
        }
    }
    let medians = times.iter_mut().map(|times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let medians: Vec<u128> = medians.collect();
    for ((name, _), median) in contenders.iter().zip(&medians) {
        println!("{title:14} {name:14} {median:7} ns {:6.2}", medians[0] as f64 / *median as f64);
    }
}

#[test]
#[ignore = "a measurement, for a quiet machine"]
fn speed() {
    let secret = SecretKey::from_bytes([1; 32]);
    let public = SecretKey::from_bytes([2; 32]).public_key();
    let key = BoxKey::agree(&secret, &public).unwrap();
    let theirs = crypto_box::PublicKey::from(*public.as_bytes());
    let ours = crypto_box::SecretKey::from([1; 32]);
    let oracle = SalsaBox::new(&theirs, &ours);
    let prefix = *b"CurveZMQMESSAGEC";

    for len in [17, 65, 257, 513, 1025, 4097, 16_385, 65_537] {
        let rounds = 20_000_000 / (len as u32 + 1000);
        let [mut one, mut two, mut three] = [(); 3].map(|()| vec![0; len]);
        let mut sender = MessageKey::new(key.clone(), prefix);
        let mut counts = 1..;
        race(
            &format!("seal {len}"),
            rounds,
            vec![
                (
                    "crypto_box",
                    Box::new(|| {
                        let nonce = short_nonce(&prefix, 1).into();
                        black_box(oracle.encrypt_in_place_detached(&nonce, &[], &mut one).unwrap());
                    }),
                ),
                (
                    "BoxKey",
                    Box::new(|| {
                        black_box(key.seal_in_place(&short_nonce(&prefix, 1), &mut two));
                    }),
                ),
                (
                    "MessageKey",
                    Box::new(|| {
                        black_box(sender.seal_in_place(counts.next().unwrap(), &mut three));
                    }),
                ),
            ],
        );

        // Each opens the same 64 boxes again and again, from copies.
        let sealed: Vec<(u64, Tag, Vec<u8>)> = (0..64)
            .map(|count| {
                let mut text = vec![0; len];
                (count, key.seal_in_place(&short_nonce(&prefix, count), &mut text), text)
            })
            .collect();
        let [mut boxes, mut more_boxes, mut still_more] = [(); 3].map(|()| sealed.iter().cycle());
        let mut receiver = MessageKey::new(key.clone(), prefix);
        race(
            &format!("open {len}"),
            rounds,
            vec![
                (
                    "crypto_box",
                    Box::new(|| {
                        let (count, tag, text) = boxes.next().unwrap();
                        one.copy_from_slice(text);
                        let nonce = short_nonce(&prefix, *count).into();
                        oracle
                            .decrypt_in_place_detached(&nonce, &[], &mut one, tag.into())
                            .unwrap();
                    }),
                ),
                (
                    "BoxKey",
                    Box::new(|| {
                        let (count, tag, text) = more_boxes.next().unwrap();
                        two.copy_from_slice(text);
                        key.open_in_place(&short_nonce(&prefix, *count), tag, &mut two).unwrap();
                    }),
                ),
                (
                    "MessageKey",
                    Box::new(|| {
                        let (count, tag, text) = still_more.next().unwrap();
                        three.copy_from_slice(text);
                        receiver.open_in_place(*count, tag, &mut three).unwrap();
                    }),
                ),
            ],
        );
    }
    race(
        "agree",
        200,
        vec![
            ("crypto_box", Box::new(|| drop(black_box(SalsaBox::new(&theirs, &ours))))),
            ("BoxKey", Box::new(|| drop(black_box(BoxKey::agree(&secret, &public))))),
        ],
    );
    race(
        "derive",
        500,
        vec![
            ("crypto_box", Box::new(|| _ = black_box(ours.public_key()))),
            ("SecretKey", Box::new(|| _ = black_box(secret.public_key()))),
        ],
    );
}
