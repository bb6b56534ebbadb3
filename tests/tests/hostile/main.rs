//! What hostile peers leave behind: nothing. After each of them the same three checks: the process
//! lives, its memory is back at its level, and a good peer that was there all along and a new one are
//! both served.
//!
//! A program of its own, in which one test runs after the other, because memory can only be counted for
//! the whole.

#[path = "../refusals/house.rs"]
#[expect(dead_code, reason = "the other program uses all of it")]
mod house;
#[path = "../refusals/knocks.rs"]
mod knocks;

mod aftermath;
mod before;

use ironhouse_tests::level::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;
