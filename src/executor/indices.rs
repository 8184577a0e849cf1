//! Keeps the indices of unique attributes in step with the live Directories, and says where that stands.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::app::{App, Shared};
use crate::report::{Indexed, Reports, Unindexed};

/// How often the Directories are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// After how many looks attributes with duplicates or unreadable records are indexed again: somebody may have mended
/// them.
const AGAIN: u32 = 600;

/// Follows the Directories for as long as the executor lives.
pub(crate) async fn follow(app: Shared, reports: Reports) {
    let mut known = Known::default();
    for look in 0_u32.. {
        known.follow(&app, look % AGAIN == 0).await;
        reports.publish_indices(&known.indexed, &known.unindexed);
        tokio::time::sleep(EVERY).await;
    }
}

/// What was followed last, so that a look at Directories that have not changed costs nothing.
#[derive(Debug, Default)]
pub struct Known {
    done: BTreeMap<String, [BTreeSet<String>; 2]>,
    /// What is unique.
    pub indexed: Indexed,
    /// What is not unique yet.
    pub unindexed: Vec<Unindexed>,
}

impl Known {
    /// Brings every Directory's index to its end, batch by batch.
    pub async fn follow(&mut self, app: &App, again: bool) {
        let configuration = app.configuration.load_full();
        for (name, directory) in &configuration.directories {
            let said =
                [&directory.unique, &directory.identifiers].map(|names| names.iter().cloned().collect());
            if again || self.done.get(name) != Some(&said) {
                self.follow_one(app, name, said, again).await;
            }
        }
        self.done.retain(|name, _| configuration.directories.contains_key(name));
        self.indexed.retain(|name, _| configuration.directories.contains_key(name));
        self.unindexed.retain(|one| configuration.directories.contains_key(&one.directory));
    }

    async fn follow_one(&mut self, app: &App, directory: &str, said: [BTreeSet<String>; 2], mut again: bool) {
        self.done.remove(directory);
        let [unique, identifiers] = &said;
        loop {
            let state =
                app.store.follow_directory(directory, unique, identifiers, again, app.clock.now()).await;
            again = false;
            let state = match state {
                Ok(state) => state,
                Err(error) => {
                    tracing::warn!(%error, directory, "unique attributes could not be indexed: tried again");
                    return;
                }
            };
            self.unindexed.retain(|one| one.directory != directory);
            let (not_yet, indexed): (Vec<String>, Vec<String>) =
                unique.iter().cloned().partition(|attribute| !state.is_unique(attribute));
            self.indexed.insert(directory.to_owned(), indexed.into_iter().collect());
            self.unindexed.extend(not_yet.into_iter().map(|attribute| Unindexed {
                directory: directory.to_owned(),
                duplicates: state.duplicates.get(&attribute).copied().unwrap_or_default(),
                unreadable: state.unreadable.get(&attribute).copied().unwrap_or_default(),
                attribute,
            }));
            if state.building.is_none() && unique.is_subset(&state.indexed) {
                self.done.insert(directory.to_owned(), said);
                return;
            }
            // Visitors' writes come between.
            tokio::task::yield_now().await;
        }
    }
}
