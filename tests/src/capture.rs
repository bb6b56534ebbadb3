//! The records of `tracing`, all of them, in the order in which they were made.

use std::fmt::{Debug, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// One record.
#[derive(Debug, Clone)]
pub struct Record {
    /// How bad it is.
    pub level: Level,
    /// Where in the program.
    pub target: String,
    /// Message and fields as text.
    pub text: String,
}

static RECORDS: Mutex<Vec<Record>> = Mutex::new(Vec::new());

/// Begins to collect the records of the whole process, at all levels. Any number of calls.
///
/// # Panics
/// If somebody else collects them already.
pub fn start() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let subscriber = tracing_subscriber::registry().with(Collector);
        tracing::subscriber::set_global_default(subscriber).expect("no other collector");
    });
}

/// The records so far whose text holds `part`: the endpoint of one test, say.
#[must_use]
pub fn records(part: &str) -> Vec<Record> {
    let records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
    records.iter().filter(|record| record.text.contains(part)).cloned().collect()
}

/// Those at WARN or worse.
#[must_use]
pub fn warnings(part: &str) -> Vec<Record> {
    records(part).into_iter().filter(|record| record.level <= Level::WARN).collect()
}

/// Fails if any record holds any of `secrets`: as text, or as `Debug` writes octets.
///
/// # Panics
/// If one does.
pub fn assert_free_of(secrets: &[&[u8]]) {
    for secret in secrets {
        let escaped = secret.escape_ascii().to_string();
        let list = format!("{secret:?}");
        let list = list.trim_matches(['[', ']']);
        for record in records("") {
            for form in [escaped.as_str(), list] {
                assert!(!record.text.contains(form), "a secret is in the log: {record:?}");
            }
        }
    }
}

struct Collector;

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let metadata = event.metadata();
        let record =
            Record { level: *metadata.level(), target: metadata.target().to_owned(), text: text.0 };
        RECORDS.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        _ = write!(self.0, "{}={value:?} ", field.name());
    }
}
