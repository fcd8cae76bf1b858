//! Rows that iterations take: read once, shared by all workers, handed out without a lock.

mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use minijinja::value::{Enumerator, Object};

pub use read::{DataError, Rows, csv, json, list};

use crate::template::Value;

/// Which row is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// In the table's order over the whole run, whichever VU asks; after the last what the end says.
    InOrder(OnEnd),
    /// Any, again and again.
    Random,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEnd {
    /// The scenario that asks for a row begins no further iteration.
    Stop,
    /// The first row follows the last.
    Recycle,
}

/// A table of the plan's `data`, with the place it has come to.
#[derive(Debug)]
pub struct Table {
    rows: Box<[Value]>,
    pick: Pick,
    taken: AtomicU64,
}

impl Table {
    /// `rows` are never empty: [`csv`], [`json`] and [`list`] refuse that.
    pub fn new(rows: Rows, pick: Pick) -> Self {
        Table { rows: rows.rows.into(), pick, taken: AtomicU64::new(0) }
    }

    /// Copies nothing: rows are shared.
    fn take(&self) -> Option<Value> {
        let rows = self.rows.len() as u64;
        let at = match self.pick {
            Pick::Random => fastrand::u64(..rows.max(1)),
            Pick::InOrder(OnEnd::Recycle) => self.taken.fetch_add(1, Ordering::Relaxed) % rows.max(1),
            Pick::InOrder(OnEnd::Stop) => self.taken.fetch_add(1, Ordering::Relaxed),
        };
        self.rows.get(usize::try_from(at).ok()?).cloned()
    }

    fn is_spent(&self) -> bool {
        let taken = self.taken.load(Ordering::Relaxed);
        self.pick == Pick::InOrder(OnEnd::Stop) && taken >= self.rows.len() as u64
    }
}

/// The tables that a scenario's flow mentions: each of its iterations takes a row of each.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    names: Arc<[Arc<str>]>,
    tables: Vec<Arc<Table>>,
}

/// A table has no row left, and so no further iteration begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`data.{0}` has no row left")]
pub struct Spent(pub Arc<str>);

impl Feed {
    pub fn new(tables: &BTreeMap<Arc<str>, Arc<Table>>, mentioned: impl Fn(&str) -> bool) -> Self {
        let mentioned = |(name, _): &(&Arc<str>, &Arc<Table>)| mentioned(name);
        let (names, tables): (Vec<_>, _) = tables
            .iter()
            .filter(mentioned)
            .map(|(name, table)| (Arc::clone(name), Arc::clone(table)))
            .unzip();
        Feed { names: names.into(), tables }
    }

    /// What `data` is in the expressions of one iteration; undefined where nothing mentions it.
    ///
    /// # Errors
    /// When a table that stops at its end has come to it.
    pub fn take(&self) -> Result<Value, Spent> {
        if self.tables.is_empty() {
            return Ok(Value::UNDEFINED);
        }
        let spent = |at: usize| Spent(Arc::clone(&self.names[at]));
        // Asked first, so that the end of one table does not cost a row of another.
        if let Some(at) = self.tables.iter().position(|table| table.is_spent()) {
            return Err(spent(at));
        }
        let rows = self.tables.iter().enumerate().map(|(at, table)| table.take().ok_or_else(|| spent(at)));
        let rows = rows.collect::<Result<_, _>>()?;
        Ok(Value::from_object(Record { names: Arc::clone(&self.names), values: rows }))
    }
}

/// Names that many share with values of their own: a row and its columns, an iteration and its tables.
struct Record {
    names: Arc<[Arc<str>]>,
    values: Box<[Value]>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.names.iter().zip(&self.values)).finish()
    }
}

impl Object for Record {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let at = self.names.iter().position(|name| **name == *key)?;
        self.values.get(at).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.names.iter().map(|name| Value::from(Arc::clone(name))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(pick: Pick) -> Feed {
        let rows = csv(b"name,age\nann,1\nbob,2\n").unwrap();
        let tables = BTreeMap::from([(Arc::from("users"), Arc::new(Table::new(rows, pick)))]);
        Feed::new(&tables, |name| name == "users")
    }

    fn next(feed: &Feed) -> Option<String> {
        let data = feed.take().ok()?;
        data.get_attr("users").unwrap().get_attr("name").unwrap().as_str().map(str::to_owned)
    }

    #[test]
    fn rows_in_order_begin_anew_or_come_to_an_end() {
        let names =
            |feed: Feed| (0..5).map(|_| next(&feed).unwrap_or_default()).collect::<Vec<_>>().join(" ");
        assert_eq!(names(feed(Pick::InOrder(OnEnd::Recycle))), "ann bob ann bob ann");
        let stopping = feed(Pick::InOrder(OnEnd::Stop));
        assert_eq!(names(stopping.clone()), "ann bob   ");
        assert_eq!(stopping.take().unwrap_err().to_string(), "`data.users` has no row left");
    }

    #[test]
    fn random_rows_never_end_and_all_come_up() {
        let feed = feed(Pick::Random);
        let drawn: std::collections::BTreeSet<_> = (0..200).map(|_| next(&feed)).collect();
        assert_eq!(drawn.len(), 2);
    }

    #[test]
    fn the_end_of_one_table_costs_no_row_of_another() {
        let table = |rows: &[u8], end| Arc::new(Table::new(csv(rows).unwrap(), Pick::InOrder(end)));
        let long = table(b"n\n1\n2\n", OnEnd::Stop);
        let tables = BTreeMap::from([
            (Arc::from("long"), Arc::clone(&long)),
            (Arc::from("short"), table(b"n\n1\n", OnEnd::Stop)),
        ]);
        let both = Feed::new(&tables, |_| true);
        assert!(both.take().is_ok() && both.take().is_err() && both.take().is_err());
        assert_eq!(long.take().unwrap().get_attr("n").unwrap().as_str(), Some("2"));
    }

    #[test]
    fn a_flow_that_mentions_no_table_takes_no_row() {
        let tables = BTreeMap::from([(
            Arc::from("users"),
            Arc::new(Table::new(csv(b"n\n1\n").unwrap(), Pick::InOrder(OnEnd::Stop))),
        )]);
        let none = Feed::new(&tables, |_| false);
        assert!((0..3).all(|_| none.take().unwrap().is_undefined()));
    }

    #[test]
    fn workers_share_the_rows_and_none_is_handed_out_twice() {
        let rows: String = (0..4_000).map(|n| format!("{n}\n")).collect();
        let rows = csv(format!("n\n{rows}").as_bytes()).unwrap();
        let table = Table::new(rows, Pick::InOrder(OnEnd::Stop));
        let take = || std::iter::from_fn(|| table.take()).map(|row| row.get_attr("n").unwrap().to_string());
        let mut all: Vec<String> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| take().collect::<Vec<_>>())).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 4_000);
    }
}
