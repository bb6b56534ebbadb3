//! The keeper of the blocking sockets in all the orders that some thousand executions try.

use interleavings::Step::{Call, Lend};
use interleavings::{Step, keep};

const ROUNDS: usize = 3000;

/// At random, and with few changes of threads at places that are chosen to find rare orders.
fn try_orders(threads: &'static [&'static [Step]]) {
    shuttle::check_random(move || keep(threads), ROUNDS);
    shuttle::check_pct(move || keep(threads), ROUNDS, 4);
}

#[test]
fn a_call_drives_and_the_keeper_comes_back() {
    try_orders(&[&[Call, Call, Call]]);
}

#[test]
fn calls_of_many_threads_drive_in_turn() {
    try_orders(&[&[Call, Call], &[Call], &[Call, Call]]);
}

#[test]
fn the_keeper_drives_where_it_is_asked_to() {
    try_orders(&[&[Lend, Call, Lend], &[Call, Lend]]);
}
