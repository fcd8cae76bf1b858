//! Files that a plan names: read once, when it is loaded, and held once however often they are used. They are beside it
//! on disk, or came with it in a bundle; of a bundle nothing leads out to the disk.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::ledgers::LedgerNames;
use super::protos::Services;
use super::reach::Hosts;
use crate::config::Redactor;
use crate::protocol::amqp::Server;
use crate::protocol::nats::Servers;

/// Of all files together, in bytes: 256 MiB.
const MAX_BYTES: u64 = 256 << 20;

#[derive(Debug)]
pub(super) struct Files {
    base: PathBuf,
    read: HashMap<PathBuf, Bytes>,
    room: u64,
    root: Root,
    /// Beside files, hosts are all that a plan names outside of itself.
    pub(super) hosts: Hosts,
    /// What gRPC services look like.
    pub(super) services: Services,
    /// Of what came into the plan from outside and no label may show.
    pub(super) redactor: Arc<Redactor>,
    /// Of NATS, in the order of their first steps; those with the same servers share a connection.
    pub(super) nats: Vec<Arc<Servers>>,
    /// Of AMQP, likewise.
    pub(super) amqp: Vec<Arc<Server>>,
    pub(super) ledgers: LedgerNames,
}

#[derive(Debug)]
enum Root {
    Disk,
    /// By path from the bundle's root.
    Bundle(BTreeMap<String, Bytes>),
}

impl Files {
    /// `base` is the folder that relative paths start from.
    pub(super) fn beside(base: &Path) -> Self {
        Files {
            base: base.to_owned(),
            read: HashMap::new(),
            room: MAX_BYTES,
            root: Root::Disk,
            hosts: Hosts::default(),
            services: Services::default(),
            redactor: Arc::default(),
            nats: Vec::new(),
            amqp: Vec::new(),
            ledgers: LedgerNames::default(),
        }
    }

    /// `base` is the folder of the plan within the bundle, whose files are `files`.
    pub(super) fn of_bundle(base: &Path, files: BTreeMap<String, Bytes>) -> Self {
        let (base, read) = (base.to_owned(), HashMap::new());
        Files {
            base,
            read,
            room: MAX_BYTES,
            root: Root::Bundle(files),
            hosts: Hosts::default(),
            services: Services::default(),
            redactor: Arc::default(),
            nats: Vec::new(),
            amqp: Vec::new(),
            ledgers: LedgerNames::default(),
        }
    }

    /// All that were read, by the paths that led to them.
    pub(super) fn into_read(self) -> HashMap<PathBuf, Bytes> {
        self.read
    }

    /// Where a path of the plan leads.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// The files that a pattern names, in alphabetical order; a path without wildcards names itself.
    ///
    /// # Errors
    /// When it is no pattern, for people.
    pub(super) fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let from = self.resolve(pattern);
        if let Root::Bundle(files) = &self.root {
            return match pattern.contains(['*', '?', '[']) && !files.contains_key(&within(&from)?) {
                true => matching_within(files, &self.base, pattern),
                false => Ok(vec![from]),
            };
        }
        if from.is_file() || !pattern.contains(['*', '?', '[']) {
            return Ok(vec![from]);
        }
        // The plan's folder is no pattern, whatever characters are in its name.
        let whole = match Path::new(pattern).is_absolute() {
            true => PathBuf::from(pattern),
            false => PathBuf::from(glob::Pattern::escape(&self.base.to_string_lossy())).join(pattern),
        };
        let paths =
            glob::glob(&whole.to_string_lossy()).map_err(|error| format!("it is no pattern: {error}"))?;
        Ok(paths.filter_map(Result::ok).filter(|path| path.is_file()).collect())
    }

    /// # Errors
    /// What kept it from being read, for people.
    pub(super) fn read(&mut self, path: &Path) -> Result<Bytes, String> {
        if let Some(known) = self.read.get(path) {
            return Ok(known.clone());
        }
        let fetched = match &self.root {
            Root::Disk => self.fetch(path),
            Root::Bundle(files) => of_bundle(files, path),
        };
        let bytes = fetched.map_err(|error| {
            let shown = path.strip_prefix(&self.base).ok().filter(|rest| !rest.as_os_str().is_empty());
            let shown = shown.unwrap_or(path);
            format!("`{}` cannot be read: {error}", shown.display())
        })?;
        self.read.insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    fn fetch(&mut self, path: &Path) -> io::Result<Bytes> {
        // Asked before it is opened: a pipe would keep us waiting.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("not a file"));
        }
        let mut bytes = Vec::new();
        let length = File::open(path)?.take(self.room + 1).read_to_end(&mut bytes)? as u64;
        self.room = self
            .room
            .checked_sub(length)
            .ok_or_else(|| io::Error::other("the files of a plan may have 256 MiB together"))?;
        Ok(Bytes::from(bytes))
    }
}

/// Where a path leads from the bundle's root, `/` between its parts.
///
/// # Errors
/// When it leads out of the bundle, for people.
fn within(path: &Path) -> Result<String, String> {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str().ok_or("it is not text in UTF-8")?),
            Component::ParentDir if parts.pop().is_some() => {}
            Component::ParentDir => return Err("it leads out of what was sent with the plan".to_owned()),
            Component::RootDir | Component::Prefix(_) => {
                return Err("a plan that is sent to a daemon names its files from its own folder, \
                            and this path is absolute"
                    .to_owned());
            }
        }
    }
    Ok(parts.join("/"))
}

fn of_bundle(files: &BTreeMap<String, Bytes>, path: &Path) -> io::Result<Bytes> {
    let name = within(path).map_err(io::Error::other)?;
    files.get(&name).cloned().ok_or_else(|| io::Error::other("it was not sent with the plan"))
}

fn matching_within(
    files: &BTreeMap<String, Bytes>,
    base: &Path,
    pattern: &str,
) -> Result<Vec<PathBuf>, String> {
    let base = glob::Pattern::escape(&base.to_string_lossy());
    let pattern = within(&Path::new(&base).join(pattern))?;
    let pattern = glob::Pattern::new(&pattern).map_err(|error| format!("it is no pattern: {error}"))?;
    // As of files on disk: `*` stays in its folder.
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
    Ok(files.keys().filter(|name| pattern.matches_with(name, options)).map(PathBuf::from).collect())
}
