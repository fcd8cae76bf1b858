//! Queries that were asked before, as they were parsed: a page asks the same ones each second, and compiling their
//! patterns costs several times what evaluating them does.

use std::sync::{Arc, Mutex, PoisonError};

use hashlink::LruCache;

use crate::promql::{ParseError, Query};

/// Of expressions, together. What is compiled from a byte of a pattern is a kilobyte at most.
const TEXT_BYTES: usize = 64 << 10;
const LONGEST: usize = 4 << 10;

/// Those asked last, as far as there is room.
#[derive(Debug)]
pub(in crate::api) struct ParsedQueries(Mutex<Room>);

#[derive(Debug)]
struct Room {
    queries: LruCache<String, Arc<Query>>,
    text_bytes: usize,
}

impl Default for ParsedQueries {
    fn default() -> Self {
        ParsedQueries(Mutex::new(Room { queries: LruCache::new_unbounded(), text_bytes: 0 }))
    }
}

impl ParsedQueries {
    /// # Errors
    /// As of [`Query::parse`]; errors are not remembered.
    pub(super) fn parse(&self, text: &str) -> Result<Arc<Query>, ParseError> {
        if let Some(query) = self.room().queries.get(text) {
            return Ok(Arc::clone(query));
        }
        let query = Arc::new(Query::parse(text)?);
        if is_worth_its_memory(text) {
            self.room().take(text, Arc::clone(&query));
        }
        Ok(query)
    }

    fn room(&self) -> std::sync::MutexGuard<'_, Room> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn take(&mut self, text: &str, query: Arc<Query>) {
        if self.queries.insert(text.to_owned(), query).is_none() {
            self.text_bytes += text.len();
        }
        while self.text_bytes > TEXT_BYTES {
            let Some((oldest, _)) = self.queries.remove_lru() else { break };
            self.text_bytes -= oldest.len();
        }
    }
}

/// Counted repetitions, classes by name and flags make a short pattern large. Outside of patterns no brace comes
/// before a digit.
fn is_worth_its_memory(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has = |two: fn(u8, u8) -> bool| bytes.windows(2).any(|pair| two(pair[0], pair[1]));
    let is_large = has(|a, b| {
        (a == b'{' && b.is_ascii_digit())
            || (a == b'\\' && matches!(b, b'p' | b'P'))
            || (a == b'(' && b == b'?')
    });
    text.len() <= LONGEST && !is_large
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(parsed: &ParsedQueries, text: &str) -> bool {
        let first = parsed.parse(text).unwrap();
        Arc::ptr_eq(&first, &parsed.parse(text).unwrap())
    }

    #[test]
    fn what_is_asked_again_is_parsed_once() {
        let parsed = ParsedQueries::default();
        assert!(is_kept(&parsed, "sum by (a) (rate({__name__=~\"x|y\", b!~\"z.*\"}[5m]))"));
        assert_eq!(parsed.parse("x+").unwrap_err(), Query::parse("x+").unwrap_err());
    }

    #[test]
    fn what_would_take_much_memory_is_parsed_each_time() {
        let parsed = ParsedQueries::default();
        for text in [
            r#"x{a=~"b{500}"}"#,
            r#"x{a=~"\\p{L}+"}"#,
            r"x{a=~`\PL+`}",
            r#"x{a=~"(?i)b"}"#,
            &format!("x{}", " ".repeat(LONGEST)),
        ] {
            assert!(!is_kept(&parsed, text), "{text}");
        }
        assert!(is_kept(&parsed, r#"x{a=~"(b|c)+"}"#));
    }

    #[test]
    fn those_that_were_not_asked_for_longest_make_room() {
        let parsed = ParsedQueries::default();
        let number = |at: usize| format!("x + {at:04}{}", " ".repeat(1_016));
        let all: Vec<_> = (0..64).map(|at| parsed.parse(&number(at)).unwrap()).collect();
        let again = |at: usize| Arc::ptr_eq(&parsed.parse(&number(at)).unwrap(), &all[at]);
        assert!(again(0), "there is room for all");
        parsed.parse(&number(64)).unwrap();
        assert!(again(0) && !again(1));
        assert!(parsed.room().text_bytes <= TEXT_BYTES);
    }
}
