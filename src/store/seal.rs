//! What may be secret lies on disk only sealed: AES-256-GCM under a key in a file of its own, `key`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hmac, rand};

use super::StoreError;

const KEY_BYTES: usize = 32;
/// Of the key that sealed something: enough to tell keys apart, nothing to guess one from.
const FINGERPRINT_BYTES: usize = 8;

pub(super) struct Seal {
    key: RandomizedNonceKey,
    mac: hmac::Key,
    fingerprint: [u8; FINGERPRINT_BYTES],
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    /// Of the file `key` in a folder, which is made if there is none.
    ///
    /// # Errors
    /// If it is there and is no key: a new one in its place would make sure that nothing sealed is ever read again.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("key");
        let bytes = match fs::read(&path) {
            Ok(bytes) => {
                restrict(&path);
                bytes
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(folder, &path)?,
            Err(error) => return Err(StoreError::io(&path, &error)),
        };
        Seal::new(&bytes).ok_or_else(|| StoreError::Other {
            why: format!(
                "is no key: it has {} bytes instead of {KEY_BYTES}. Put the right one back; without it delete the \
                 file, and the plans of earlier runs are lost, their results are not",
                bytes.len()
            ),
            path,
        })
    }

    fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_BYTES {
            return None;
        }
        // Keys of their own for each use, as one must not serve two.
        let root = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let derived = |purpose: &str| hmac::sign(&root, purpose.as_bytes());
        let key = RandomizedNonceKey::new(&AES_256_GCM, derived("seal").as_ref()).ok()?;
        let mac = hmac::Key::new(hmac::HMAC_SHA256, derived("digest").as_ref());
        let fingerprint = *derived("fingerprint").as_ref().first_chunk()?;
        Some(Seal { key, mac, fingerprint })
    }

    /// `place` is where it will lie: what was sealed for one place cannot be opened in another.
    pub(super) fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, String> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(place), &mut sealed)
            .map_err(|_| "the cipher refused".to_owned())?;
        let head = self.fingerprint.iter().chain(nonce.as_ref());
        Ok(head.copied().chain(sealed).collect())
    }

    /// # Errors
    /// With why: another key, or damage.
    pub(super) fn open_sealed(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let damaged = || "it is damaged".to_owned();
        let (fingerprint, rest) = sealed.split_at_checked(FINGERPRINT_BYTES).ok_or_else(damaged)?;
        if *fingerprint != self.fingerprint {
            return Err("it was sealed with another key than the one in the file `key`; put that file back \
                        and start again"
                .to_owned());
        }
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut plain = sealed.to_vec();
        let length =
            self.key.open_in_place(nonce, Aad::from(place), &mut plain).map_err(|_| damaged())?.len();
        plain.truncate(length);
        Ok(plain)
    }

    /// The same for the same bytes, and nothing that tells which.
    pub(super) fn digest(&self, bytes: &[u8]) -> Vec<u8> {
        hmac::sign(&self.mac, bytes).as_ref().to_vec()
    }
}

/// Written whole or not at all, and on the disk before anything is sealed with it.
fn create(folder: &Path, path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![0; KEY_BYTES];
    rand::fill(&mut bytes).map_err(|_| StoreError::Other {
        path: path.to_owned(),
        why: "the system gave no random numbers for a key".to_owned(),
    })?;
    let made: PathBuf = folder.join("key.new");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&made)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&made, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| StoreError::io(path, &error))?;
    Ok(bytes)
}

/// Volumes of clusters come with permissions of their own, so this is no reason to refuse.
fn restrict(path: &Path) {
    let is_open = |path: &Path| fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if is_open(path) {
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
    }
}
