//! What comes again and again in nearly the same order: found without looking it up, and what no longer comes is told.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// How far ahead to look for what comes next, where some did not come.
const AHEAD: usize = 4;

#[derive(Debug)]
pub(super) struct Sequence<K, T> {
    items: Vec<Item<K, T>>,
    /// Where the next is expected.
    cursor: usize,
    current: usize,
    /// How many came in this round.
    came: u32,
    /// They did not come in the order of `items`.
    disordered: bool,
    /// By key; made in rounds in which something was not where it was expected.
    places: Option<HashMap<K, usize>>,
}

#[derive(Debug)]
struct Item<K, T> {
    key: K,
    value: T,
    /// As how manieth it came in this round; 0: not yet.
    came: u32,
}

impl<K, T> Default for Sequence<K, T> {
    fn default() -> Self {
        Sequence { items: Vec::new(), cursor: 0, current: 0, came: 0, disordered: false, places: None }
    }
}

impl<K: Eq + Hash + Clone, T> Sequence<K, T> {
    /// A round begins in which all that still exist come.
    pub(super) fn begin(&mut self) {
        (self.cursor, self.came, self.disordered) = (0, 0, false);
        self.items.iter_mut().for_each(|item| item.came = 0);
    }

    /// What came under this key before; it has come now, too.
    pub(super) fn find<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut T>
    where
        K: Borrow<Q>,
    {
        let near = self.items.iter().skip(self.cursor).take(AHEAD).position(|item| item.key.borrow() == key);
        let place = match near {
            Some(steps) => self.cursor + steps,
            None => *self.places().get(key)?,
        };
        self.disordered |= place < self.cursor;
        (self.cursor, self.current) = (place + 1, place);
        let item = self.items.get_mut(place)?;
        if item.came == 0 {
            self.came += 1;
            item.came = self.came;
        }
        Some(&mut item.value)
    }

    fn places(&mut self) -> &mut HashMap<K, usize> {
        let items = &self.items;
        self.places.get_or_insert_with(|| {
            items.iter().enumerate().map(|(place, item)| (item.key.clone(), place)).collect()
        })
    }

    /// Adds what [`Sequence::find`] did not find.
    pub(super) fn push(&mut self, key: K, value: T) {
        let place = self.items.len();
        self.disordered |= self.cursor < place;
        self.came += 1;
        self.places().insert(key.clone(), place);
        self.items.push(Item { key, value, came: self.came });
        // What was expected before is still expected, unless this goes on at the end.
        if self.cursor == place {
            self.cursor += 1;
        }
        self.current = place;
    }

    /// What came last.
    pub(super) fn current(&mut self) -> Option<&mut T> {
        self.items.get_mut(self.current).map(|item| &mut item.value)
    }

    /// The round is over: hands over what did not come. In the next round all are expected in this one's order.
    pub(super) fn finish(&mut self, mut gone: impl FnMut(T)) {
        if self.came as usize != self.items.len() {
            self.items.extract_if(.., |item| item.came == 0).for_each(|item| gone(item.value));
        }
        if self.disordered {
            self.items.sort_unstable_by_key(|item| item.came);
        }
        self.places = None;
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().map(|item| &mut item.value)
    }

    pub(super) fn retain(&mut self, stays: impl Fn(&T) -> bool) {
        self.places = None;
        self.items.retain(|item| stays(&item.value));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Which came anew, and which went.
    fn round(sequence: &mut Sequence<String, u32>, keys: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let (mut new, mut gone) = (Vec::new(), Vec::new());
        sequence.begin();
        for key in keys {
            match sequence.find(key.to_string().as_str()) {
                Some(value) => assert_eq!(value, key),
                None => {
                    new.push(*key);
                    sequence.push(key.to_string(), *key);
                }
            }
            assert_eq!(sequence.current(), Some(&mut { *key }));
        }
        sequence.finish(|value| gone.push(value));
        gone.sort_unstable();
        (new, gone)
    }

    #[test]
    fn rounds_tell_what_came_and_what_went() {
        let mut sequence = Sequence::default();
        for (keys, new, gone) in [
            (&[1, 2, 3, 4][..], &[1, 2, 3, 4][..], &[][..]),
            (&[1, 2, 3, 4], &[], &[]),
            (&[1, 9, 2, 4], &[9], &[3]),
            (&[4, 2, 9, 1], &[], &[]),
            (&[9, 9, 4, 9], &[], &[1, 2]),
            (&[], &[], &[4, 9]),
            (&[7, 7, 8, 7], &[7, 8], &[]),
        ] {
            assert_eq!(round(&mut sequence, keys), (new.to_vec(), gone.to_vec()), "{keys:?}");
        }
    }

    #[test]
    fn a_round_like_the_last_looks_nothing_up() {
        let mut sequence = Sequence::default();
        for keys in [&[1, 2, 3][..], &[3, 8, 1, 2]] {
            round(&mut sequence, keys);
            sequence.begin();
            assert!(keys.iter().all(|key| sequence.find(key.to_string().as_str()).is_some()));
            assert!(sequence.places.is_none() && !sequence.disordered);
            sequence.finish(drop);
        }
    }

    proptest! {
        #[test]
        fn rounds_of_any_keys_are_as_those_of_sets(
            rounds in prop::collection::vec(prop::collection::vec(0_u32..20, 0..25), 1..8)
        ) {
            let (mut sequence, mut known) = (Sequence::default(), std::collections::BTreeSet::new());
            for keys in rounds {
                let (mut new, gone) = round(&mut sequence, &keys);
                new.sort_unstable();
                let now: std::collections::BTreeSet<u32> = keys.into_iter().collect();
                prop_assert_eq!(new, now.difference(&known).copied().collect::<Vec<_>>());
                prop_assert_eq!(gone, known.difference(&now).copied().collect::<Vec<_>>());
                known = now;
            }
        }
    }
}
