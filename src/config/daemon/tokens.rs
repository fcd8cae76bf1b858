//! Who may call the API: tokens of a file that only its owner can read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

/// What a token allows; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// To read runs, series and rules.
    Query,
    /// To start, stop and steer runs.
    Run,
    /// To reload and delete.
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Query, Scope::Run, Scope::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Scope::Query => "query",
            Scope::Run => "run",
            Scope::Admin => "admin",
        }
    }

    /// Whether who has this may do what needs `needed`.
    pub fn includes(self, needed: Scope) -> bool {
        self >= needed
    }
}

/// The tokens that are known; they themselves are not kept, only their SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens(Vec<([u8; 32], Scope)>);

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why a file of tokens cannot be used. Never shows a token.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("read the tokens of {path}: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("trust {path}: others can read it (mode {mode:03o}); do `chmod 600 {path}`")]
    TooOpen { path: String, mode: u32 },
    #[error("read the tokens of {path}: {wrong}")]
    Malformed { path: String, wrong: String },
}

impl TokensError {
    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, TokensError::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({} hidden)", self.0.len())
    }
}

impl Tokens {
    /// Reads a file of tokens.
    ///
    /// # Errors
    /// When it cannot be read, when others than its owner can, or when a line is none.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let shown = || path.display().to_string();
        let unreadable = |source| TokensError::Unreadable { path: shown(), source };
        let file = File::open(path).map_err(unreadable)?;
        // Of what was opened: the path may be another file by now.
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(unreadable(io::Error::other("it is not a file")));
        }
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokensError::TooOpen { path: shown(), mode });
        }
        let mut text = String::new();
        file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text).map_err(|wrong| TokensError::Malformed { path: shown(), wrong })
    }

    /// Reads lines `scope:token`, or a single token, which may all. Empty lines and those that begin with `#` are none.
    ///
    /// # Errors
    /// Says which line, and what was expected; never shows a token.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let lines: Vec<(usize, &str)> =
            lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).collect();
        let mut tokens = Vec::with_capacity(lines.len());
        for (at, line) in &lines {
            let scoped = line.split_once(':').and_then(|(scope, token)| {
                let scope = Scope::ALL.into_iter().find(|known| known.name() == scope.trim())?;
                Some((scope, token.trim()))
            });
            let (scope, token) = match scoped {
                Some(scoped) => scoped,
                None if lines.len() == 1 && !line.contains(':') => (Scope::Admin, *line),
                None => return Err(format!("line {at}: expected `query:`, `run:` or `admin:` and a token")),
            };
            if token.len() < SHORTEST {
                let length = token.len();
                return Err(format!(
                    "line {at}: the token has {length} characters, expected at least {SHORTEST} (`openssl rand -hex 32` makes one)"
                ));
            }
            if token.bytes().any(|byte| !byte.is_ascii_graphic()) {
                return Err(format!("line {at}: expected visible ASCII characters without spaces"));
            }
            tokens.push((digest(token), scope));
        }
        if tokens.is_empty() {
            return Err("there is no token: expected lines such as `admin:…`".to_owned());
        }
        Ok(Tokens(tokens))
    }

    /// What the token allows; `None` when nobody knows it. Takes as long whichever it is.
    pub fn scope(&self, token: &str) -> Option<Scope> {
        let digest = digest(token);
        // 0: none.
        let mut found = 0u8;
        for (known, scope) in &self.0 {
            let same: Choice = known.as_slice().ct_eq(digest.as_slice());
            let rank = *scope as u8 + 1;
            // Of one that stands twice the higher scope.
            let higher = Choice::from(u8::from(rank > found));
            found.conditional_assign(&rank, same & higher);
        }
        Scope::ALL.into_iter().find(|scope| *scope as u8 + 1 == found)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "qqqqqqqqqqqqqqqq";
    const RUN: &str = "rrrrrrrrrrrrrrrrrrrr";
    const ADMIN: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn a_token_has_the_scope_of_its_line_and_those_below() {
        let tokens = Tokens::parse(&format!("# ours\nquery:{QUERY}\n\nrun: {RUN}\nadmin:{ADMIN}\n")).unwrap();
        for (token, scope) in [
            (QUERY, Some(Scope::Query)),
            (RUN, Some(Scope::Run)),
            (ADMIN, Some(Scope::Admin)),
            ("", None),
            ("qqqqqqqqqqqqqqq", None),
            ("qqqqqqqqqqqqqqqqq", None),
        ] {
            assert_eq!(tokens.scope(token), scope, "{token}");
        }
        assert!(Scope::Admin.includes(Scope::Query) && Scope::Run.includes(Scope::Run));
        assert!(!Scope::Query.includes(Scope::Run));
    }

    #[test]
    fn a_single_token_may_all_and_one_that_stands_twice_has_the_higher_scope() {
        assert_eq!(Tokens::parse(&format!("{ADMIN}\n")).unwrap().scope(ADMIN), Some(Scope::Admin));
        for text in [format!("run:{RUN}\nquery:{RUN}"), format!("query:{RUN}\nrun:{RUN}")] {
            assert_eq!(Tokens::parse(&text).unwrap().scope(RUN), Some(Scope::Run));
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_showing_it() {
        for (text, wrong) in [
            ("", "there is no token: expected lines such as `admin:…`"),
            ("# nothing\n", "there is no token: expected lines such as `admin:…`"),
            (
                "admin:short-secret",
                "line 1: the token has 12 characters, expected at least 16 (`openssl rand -hex 32` makes one)",
            ),
            ("root:aaaaaaaaaaaaaaaaaaaa", "line 1: expected `query:`, `run:` or `admin:` and a token"),
            (
                "aaaaaaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbbbbbb",
                "line 1: expected `query:`, `run:` or `admin:` and a token",
            ),
            ("admin:aaaaaaaaaa aaaaaaaaaaa", "line 1: expected visible ASCII characters without spaces"),
        ] {
            assert_eq!(Tokens::parse(text).unwrap_err(), wrong, "{text}");
        }
    }

    #[test]
    fn tokens_are_not_shown() {
        let tokens = Tokens::parse(ADMIN).unwrap();
        assert_eq!(format!("{tokens:?}"), "Tokens(1 hidden)");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let path = std::env::temp_dir().join(format!("loadgate-tokens-{}", std::process::id()));
        std::fs::write(&path, ADMIN).unwrap();
        for (mode, open) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o620, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = Tokens::read(&path);
            assert_eq!(matches!(read, Err(TokensError::TooOpen { .. })), open, "{mode:o}: {read:?}");
            assert_eq!(read.is_ok(), !open, "{mode:o}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(Tokens::read(&path).unwrap_err().is_missing());
    }
}
