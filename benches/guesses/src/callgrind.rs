//! Runs this program under callgrind.

use std::fs;
use std::process::Command;

use crate::Error;

/// Instructions of each call of a function, in a run of this program with an argument of its own.
pub(crate) fn calls(function: &str, argument: &str) -> Result<Vec<u64>, Error> {
    let directory = std::env::temp_dir().join(format!("guesses-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", directory.join("calls").display()))
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--dump-after={function}"))
        .arg(std::env::current_exe()?)
        .arg(argument)
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    let mut counts = Vec::new();
    // What is left at the end goes to the file without a number.
    while let Ok(dump) = fs::read_to_string(directory.join(format!("calls.{}", counts.len() + 1))) {
        counts.push(totals(&dump).ok_or("a dump without totals")?);
    }
    fs::remove_dir_all(&directory)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("failed under valgrind:\n{said}").into());
    }
    Ok(counts)
}

/// From a line such as `totals: 123456`.
fn totals(dump: &str) -> Option<u64> {
    dump.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::totals;

    #[test]
    fn the_count_of_a_call_is_read_from_its_dump() {
        assert_eq!(totals("events: Ir\nfn=(1)\n7 8\n\ntotals: 4711\n"), Some(4711));
        assert_eq!(totals("events: Ir\n"), None);
    }
}
