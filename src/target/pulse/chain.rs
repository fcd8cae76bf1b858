//! The chains the service follows. Their heights are a function of the wall clock and nothing else, so that
//! blocks have times, and a block that was there once stays the same.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where the heights are counted from: the beginning of 2024, and about where the chains were then.
const EPOCH_MS: u64 = 1_704_067_200_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Chain {
    Ethereum,
    Solana,
}

impl Chain {
    pub(super) const ALL: [Self; 2] = [Self::Ethereum, Self::Solana];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|chain| chain.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ethereum => "ethereum",
            Self::Solana => "solana",
        }
    }

    /// The newest block, at a time in milliseconds since 1970.
    pub(super) fn head(self, unix_ms: u64) -> u64 {
        self.height_then() + unix_ms.saturating_sub(EPOCH_MS) / self.block_ms()
    }

    /// How many of the newest blocks may still change.
    pub(super) fn unsettled(self) -> u64 {
        match self {
            Self::Ethereum => 2,
            Self::Solana => 32,
        }
    }

    pub(super) fn block_ms(self) -> u64 {
        match self {
            Self::Ethereum => 12_000,
            Self::Solana => 400,
        }
    }

    fn height_then(self) -> u64 {
        match self {
            Self::Ethereum => 18_908_895,
            Self::Solana => 239_000_000,
        }
    }
}

/// What is known of one block.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) chain: Chain,
    pub(super) block: u64,
    hash: String,
    parent_hash: String,
    event_count: u8,
    /// Milliseconds since 1970.
    timestamp: u64,
}

impl Manifest {
    /// Blocks from before our counting have the time it began.
    pub(super) fn of(chain: Chain, block: u64) -> Self {
        let digest = digest(chain, block);
        Self {
            chain,
            block,
            hash: hex(&digest),
            parent_hash: hex(&digest_of_parent(chain, block)),
            event_count: 1 + digest[0] % 32,
            timestamp: EPOCH_MS + block.saturating_sub(chain.height_then()) * chain.block_ms(),
        }
    }
}

fn digest(chain: Chain, block: u64) -> [u8; 32] {
    Sha256::new().chain_update(chain.name()).chain_update(block.to_be_bytes()).finalize().into()
}

/// The first block has no parent.
fn digest_of_parent(chain: Chain, block: u64) -> [u8; 32] {
    block.checked_sub(1).map_or([0; 32], |parent| digest(chain, parent))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_grows_by_a_block_each_block_time() {
        assert_eq!(Chain::Ethereum.head(EPOCH_MS + 11_999), 18_908_895);
        assert_eq!(Chain::Ethereum.head(EPOCH_MS + 12_000), 18_908_896);
        assert_eq!(Chain::Solana.head(EPOCH_MS + 12_000), 239_000_030);
        assert_eq!(Chain::Solana.head(0), 239_000_000, "a clock before 2024");
    }

    #[test]
    fn a_block_names_the_one_before_it() {
        let (parent, child) = (Manifest::of(Chain::Solana, 7), Manifest::of(Chain::Solana, 8));
        assert_eq!(child.parent_hash, parent.hash);
        assert_ne!(child.hash, Manifest::of(Chain::Ethereum, 8).hash);
        assert_eq!(child.hash.len(), 66);
        assert_eq!(Manifest::of(Chain::Solana, 0).parent_hash, format!("0x{}", "0".repeat(64)));
    }
}
