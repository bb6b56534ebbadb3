//! Runs a part under callgrind.

use std::process::Command;

use crate::Error;
use crate::parts::Part;

/// Instructions for one of the things that the part does.
pub(crate) fn count(part: &Part) -> Result<u64, Error> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect=instructions::parts::{}", part.function))
        .arg(std::env::current_exe()?)
        .args(["--run", part.name])
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{} failed under valgrind:\n{said}", part.name).into());
    }
    let total = collected(&said).filter(|total| *total > 0);
    let total = total.ok_or_else(|| format!("nothing was counted for {}:\n{said}", part.name))?;
    Ok(total.div_ceil(part.times))
}

/// From a line such as `==7== Collected : 123456`.
fn collected(said: &str) -> Option<u64> {
    let (_, rest) = said.split_once("Collected : ")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn the_count_is_read_from_what_valgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 123456\n==7==\n";
        assert_eq!(collected(said), Some(123_456));
        assert_eq!(collected("==7== nothing"), None);
    }
}
