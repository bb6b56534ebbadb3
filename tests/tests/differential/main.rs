//! The committed inputs of the fuzzers and the hostile tables, said to libzmq and to ironhouse over
//! real connections. Where they disagree, `expected.toml` says why; nothing else may differ.

mod cases;
mod doors;
mod expected;
#[path = "../refusals/knocks.rs"]
#[expect(dead_code, reason = "the other programs use all of it")]
mod knocks;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use ironhouse_tests::{Done, rt};

use crate::cases::Case;
use crate::doors::{Ours, Theirs};
use crate::expected::{Difference, Expected};
use crate::verdict::End;

/// How long nothing happens where one of the two waits; at first, and once more to be sure.
const PATIENCE: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

#[test]
fn libzmq_and_ironhouse_disagree_only_where_it_is_written() -> Done {
    rt::run(async {
        let expected = Expected::read()?;
        let cases = cases::all()?;
        let (ours, theirs) = (Ours::open().await?, Theirs::open()?);
        let mut count = BTreeMap::new();
        let mut differences = Vec::new();
        let both = async |cases: &[Case], patience| {
            let ours = verdict::all(&ours.doors, cases, patience);
            let theirs = verdict::all(&theirs.doors, cases, patience);
            tokio::join!(ours, theirs)
        };
        let (mine, its) = both(&cases, PATIENCE[0]).await;
        let (mut slow, mut pairs) = (Vec::new(), Vec::new());
        for ((case, mine), its) in cases.into_iter().zip(mine).zip(its) {
            if mine.end == End::Waits || its.end == End::Waits {
                slow.push(case);
            } else {
                pairs.push((case, mine, its));
            }
        }
        let (mine, its) = both(&slow, PATIENCE[1]).await;
        pairs.extend(
            slow.into_iter().zip(mine).zip(its).map(|((case, mine), its)| (case, mine, its)),
        );
        for (case, mine, its) in pairs {
            *count.entry(mine.end).or_insert(0) += 1;
            if !mine.agrees(&its) {
                let rule = mine.rule.or_else(|| its.delivers_more(&mine));
                differences.push(Difference { input: case.name, rule, ours: mine, theirs: its });
            }
        }
        theirs.close()?;
        println!("{count:?}, {} differ", differences.len());
        assert_eq!(count.len(), 3, "refused, let in and waited for");
        if let Err(wrong) = expected.compare(&differences) {
            panic!("{wrong}");
        }
        Ok(())
    })
}
