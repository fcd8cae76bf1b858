//! Which events a subscription is about.

use serde::{Deserialize, Serialize};

use super::chain::Chain;

/// What happened on a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EventType {
    Block,
    Transaction,
    Transfer,
    Swap,
}

impl EventType {
    pub(super) const ALL: [Self; 4] = [Self::Block, Self::Transaction, Self::Transfer, Self::Swap];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Transaction => "transaction",
            Self::Transfer => "transfer",
            Self::Swap => "swap",
        }
    }
}

/// All events for which each condition that is given holds. Two that let the same through are equal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, from = "Written")]
pub(super) struct Filter {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chains: Vec<Chain>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    types: Vec<EventType>,
    #[serde(skip_serializing_if = "is_zero")]
    min_value: u64,
}

/// A filter as a client writes it: in any order, and with repetitions.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Written {
    chains: Vec<Chain>,
    types: Vec<EventType>,
    min_value: u64,
}

impl From<Written> for Filter {
    fn from(written: Written) -> Self {
        Self {
            chains: Chain::ALL.into_iter().filter(|chain| written.chains.contains(chain)).collect(),
            types: EventType::ALL.into_iter().filter(|kind| written.types.contains(kind)).collect(),
            min_value: written.min_value,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Filter {
    pub(super) fn matches(&self, chain: Chain, kind: EventType, value: u64) -> bool {
        (self.chains.is_empty() || self.chains.contains(&chain))
            && (self.types.is_empty() || self.types.contains(&kind))
            && value >= self.min_value
    }

    /// `simple` with at most one condition, `moderate` with two, `complex` with three.
    pub(super) fn complexity(&self) -> &'static str {
        let conditions = [!self.chains.is_empty(), !self.types.is_empty(), self.min_value > 0];
        match conditions.into_iter().filter(|given| *given).count() {
            0 | 1 => "simple",
            2 => "moderate",
            _ => "complex",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Filter {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn each_condition_given_must_hold() {
        let (ethereum, swap) = (Chain::Ethereum, EventType::Swap);
        for (text, complexity, matches) in [
            ("{}", "simple", true),
            (r#"{"chains":["ethereum"]}"#, "simple", true),
            (r#"{"chains":["solana"]}"#, "simple", false),
            (r#"{"chains":["solana","ethereum"],"types":["swap"]}"#, "moderate", true),
            (r#"{"chains":["ethereum"],"types":["block","transfer"]}"#, "moderate", false),
            (r#"{"chains":["ethereum"],"types":["swap"],"min_value":10}"#, "complex", true),
            (r#"{"chains":["ethereum"],"types":["swap"],"min_value":11}"#, "complex", false),
        ] {
            assert_eq!(filter(text).matches(ethereum, swap, 10), matches, "{text}");
            assert_eq!(filter(text).complexity(), complexity, "{text}");
        }
    }

    #[test]
    fn filters_that_mean_the_same_are_equal_and_read_back_as_written() {
        let first = filter(r#"{"types":["swap","block","swap"],"chains":["solana"]}"#);
        assert_eq!(first, filter(r#"{"chains":["solana"],"types":["block","swap"],"min_value":0}"#));
        let written = serde_json::to_string(&first).unwrap();
        assert_eq!(written, r#"{"chains":["solana"],"types":["block","swap"]}"#);
        assert_eq!(filter(&written), first);
    }

    #[test]
    fn what_no_event_has_is_refused() {
        for text in [r#"{"chains":["bitcoin"]}"#, r#"{"chain":"solana"}"#, r#"{"min_value":-1}"#] {
            assert!(serde_json::from_str::<Filter>(text).is_err(), "{text}");
        }
    }
}
