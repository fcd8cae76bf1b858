//! A journal in a file, a line a note, as a daemon would keep one in its database.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use loadgate::action::{Entry, Journal, Journaled, Outcome};
use serde_json::{Value, json};

#[derive(Debug)]
pub(super) struct FileJournal(PathBuf);

impl FileJournal {
    pub(super) fn in_folder(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        FileJournal(folder.to_owned())
    }

    fn file(&self) -> PathBuf {
        self.0.join("notes.jsonl")
    }

    fn write(&self, note: &Value) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(self.file())?;
        file.write_all(format!("{note}\n").as_bytes())?;
        file.sync_all()
    }

    /// All that is noted, each action once.
    pub(super) fn read(&self) -> Vec<Journaled> {
        let mut notes: Vec<(String, Journaled)> = Vec::new();
        for line in fs::read_to_string(self.file()).unwrap_or_default().lines() {
            let Ok(note) = serde_json::from_str::<Value>(line) else { continue };
            let key = note["key"].as_str().unwrap().to_owned();
            if let Ok(entry) = serde_json::from_value::<Entry>(note["begin"].clone()) {
                assert_eq!(entry.key(), key);
                notes.retain(|(known, _)| *known != key);
                notes.push((key, Journaled { entry, outcome: None }));
            } else if let Some((_, known)) = notes.iter_mut().find(|(known, _)| *known == key) {
                known.outcome = Some(serde_json::from_value(note["end"].clone()).unwrap());
            }
        }
        notes.into_iter().map(|(_, note)| note).collect()
    }
}

impl Journal for FileJournal {
    fn begin(&self, key: &str, entry: &Entry) -> io::Result<()> {
        self.write(&json!({"key": key, "begin": entry}))
    }

    fn end(&self, key: &str, outcome: &Outcome) -> io::Result<()> {
        self.write(&json!({"key": key, "end": outcome}))
    }

    fn folder(&self) -> &Path {
        &self.0
    }
}
