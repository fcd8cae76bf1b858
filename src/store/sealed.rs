//! A submission as bytes: a line of JSON that says what follows, then the files as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Bundle, StoreError, Submission};

/// Plans with their data files; data of that size belongs elsewhere.
const MAX_BYTES: usize = 64 << 20;

#[derive(Serialize, Deserialize)]
struct Head {
    plan: String,
    profile: Option<String>,
    env: Vec<(String, String)>,
    tags: Vec<(String, String)>,
    /// (path, bytes), in the order in which they follow.
    files: Vec<(String, usize)>,
}

pub(super) fn to_bytes(submission: &Submission) -> Result<Vec<u8>, StoreError> {
    let Submission { bundle, profile, env, tags } = submission;
    let head = Head {
        plan: bundle.plan.clone(),
        profile: profile.clone(),
        env: env.clone(),
        tags: tags.clone(),
        files: bundle.files.iter().map(|(path, content)| (path.clone(), content.len())).collect(),
    };
    let mut bytes = serde_json::to_vec(&head)
        .map_err(|error| StoreError::Other { path: "submission".into(), why: error.to_string() })?;
    bytes.push(b'\n');
    let all = bytes.len() + bundle.files.values().map(Vec::len).sum::<usize>();
    if all > MAX_BYTES {
        return Err(StoreError::TooLarge { bytes: all, limit_bytes: MAX_BYTES });
    }
    bundle.files.values().for_each(|content| bytes.extend_from_slice(content));
    Ok(bytes)
}

pub(super) fn from_bytes(bytes: &[u8]) -> Option<Submission> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, rest) = bytes.split_at(end);
    let Head { plan, profile, env, tags, files: sizes } = serde_json::from_slice(head).ok()?;
    let mut rest = rest.get(1..)?;
    let mut files = BTreeMap::new();
    for (path, size) in sizes {
        let (content, others) = rest.split_at_checked(size)?;
        files.insert(path, content.to_vec());
        rest = others;
    }
    Some(Submission { bundle: Bundle { plan, files }, profile, env, tags })
}
