//! Asking the system to say when something changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::warn;

use super::signal::Signal;
use crate::platform::Identity;

/// Directories in which the system reports changes.
#[derive(Debug)]
pub(super) struct System {
    watcher: RecommendedWatcher,
    /// Which directory it was that is watched under this name; `None` if none is.
    watched: BTreeMap<PathBuf, Option<Identity>>,
}

impl System {
    /// `None` where the system cannot do it; that is logged.
    pub(super) fn new(signal: Arc<Signal>) -> Option<Self> {
        let handler = move |event: notify::Result<Event>| {
            if event.map_or(true, |event| matters(event.kind)) {
                signal.call();
            }
        };
        match RecommendedWatcher::new(handler, notify::Config::default()) {
            Ok(watcher) => Some(Self { watcher, watched: BTreeMap::new() }),
            Err(error) => {
                warn!(%error, "the system reports no changes of files; looking from time to time");
                None
            }
        }
    }

    /// Watches these directories from now on, and no others.
    pub(super) fn attend(&mut self, places: &BTreeMap<PathBuf, Option<Identity>>) {
        let gone: Vec<_> =
            self.watched.keys().filter(|place| !places.contains_key(*place)).cloned().collect();
        for place in gone {
            self.forget(&place);
            self.watched.remove(&place);
        }
        for (place, identity) in places {
            if self.watched.get(place) == Some(identity) {
                continue;
            }
            // Another directory has that name now.
            self.forget(place);
            if identity.is_some()
                && let Err(error) = self.watcher.watch(place, RecursiveMode::NonRecursive)
            {
                let place = place.display();
                warn!(directory = %place, %error, "the system reports no changes here; looking from time to time");
            }
            self.watched.insert(place.clone(), *identity);
        }
    }

    fn forget(&mut self, place: &Path) {
        if self.watched.get(place).is_some_and(Option::is_some) {
            // The system may have forgotten it already, with the directory.
            _ = self.watcher.unwatch(place);
        }
    }
}

/// Whether anything may be another now: reading is no change.
const fn matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}
