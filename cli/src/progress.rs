//! Signs of life while something takes its time.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::output::note;

/// What lasts no longer is not worth a word.
const PATIENCE: Duration = Duration::from_secs(2);
/// Clears the line of a terminal.
const CLEAR: &str = "\r\x1b[K";

/// Does `work`, and says on standard error what it waits for if that takes more than two seconds: on a
/// terminal with the seconds counted, elsewhere once.
pub(crate) async fn waiting<T>(what: impl Display, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    if let Ok(done) = timeout(PATIENCE, &mut work).await {
        return done;
    }
    if !std::io::stderr().is_terminal() {
        note(format_args!("waiting for {what} ..."));
        return work.await;
    }
    let begin = Instant::now() - PATIENCE;
    loop {
        overwrite(format_args!("waiting for {what} ... {} s", begin.elapsed().as_secs()));
        if let Ok(done) = timeout(Duration::from_secs(1), &mut work).await {
            overwrite("");
            return done;
        }
    }
}

/// Counts what is done on a terminal, where nothing else shows that anything happens.
pub(crate) struct Counter {
    total: Option<u64>,
    done: u64,
    next: Instant,
    visible: bool,
}

impl Counter {
    /// Of `total` things, if it is known how many, none is done.
    pub(crate) fn new(total: Option<u64>) -> Self {
        let visible = std::io::stderr().is_terminal() && !std::io::stdout().is_terminal();
        Self { total, done: 0, next: Instant::now() + PATIENCE, visible }
    }

    /// One more is done.
    pub(crate) fn count(&mut self) {
        self.done += 1;
        if self.visible && Instant::now() >= self.next {
            self.next = Instant::now() + PATIENCE / 10;
            match self.total {
                Some(total) => overwrite(format_args!("{} of {total}", self.done)),
                None => overwrite(self.done),
            }
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        if self.visible {
            overwrite("");
        }
    }
}

/// Replaces the line on the terminal. Nothing can be done about a failure.
fn overwrite(text: impl Display) {
    let _ = std::io::stderr().write_all(format!("{CLEAR}{text}").as_bytes());
}

/// What a terminal shows of work that does not end by itself.
pub(crate) struct Status<F>(F);

impl<F: Fn() -> String> Status<F> {
    /// A line that is asked for again and again.
    pub(crate) const fn new(text: F) -> Self {
        Self(text)
    }

    /// Shows it every second on a terminal, elsewhere never. Does not end by itself.
    pub(crate) async fn show(self) {
        if !std::io::stderr().is_terminal() {
            return std::future::pending().await;
        }
        let _cleared = Cleared;
        loop {
            tokio::time::sleep(PATIENCE / 2).await;
            overwrite((self.0)());
        }
    }
}

/// Clears the line when dropped.
struct Cleared;

impl Drop for Cleared {
    fn drop(&mut self) {
        overwrite("");
    }
}
