//! Label sets: sorted, shared, cheap to clone.

use std::fmt;
use std::sync::Arc;

/// A sorted label set. An empty value means the label is absent, as in Prometheus.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[(Arc<str>, Arc<str>)]>);

impl Labels {
    pub fn empty() -> Self {
        Labels(Arc::from([]))
    }

    /// Sorts by name and leaves out labels without a value; of two labels with one name the later wins.
    pub fn new<N: Into<Arc<str>>, V: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut sorted: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.into(), value.into());
            match sorted.binary_search_by(|(known, _)| known.cmp(&name)) {
                Ok(at) => sorted[at].1 = value,
                Err(at) => sorted.insert(at, (name, value)),
            }
        }
        sorted.retain(|(_, value)| !value.is_empty());
        Labels(sorted.into())
    }

    /// This set with one label added or replaced.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let added = (Arc::from(name), Arc::from(value));
        Labels::new(self.0.iter().cloned().chain([added]))
    }

    /// This set without one label.
    pub fn without(&self, name: &str) -> Self {
        Labels(self.0.iter().filter(|(known, _)| **known != *name).cloned().collect())
    }

    /// The labels whose names are wanted.
    pub fn filtered(&self, wanted: impl Fn(&str) -> bool) -> Self {
        Labels(self.0.iter().filter(|(name, _)| wanted(name)).cloned().collect())
    }

    /// This set with all labels of `other`, which win.
    pub fn merged(&self, other: &Labels) -> Self {
        Labels::new(self.0.iter().chain(other.0.iter()).cloned())
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok().map(|at| &*self.0[at].1)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// As [`Labels::iter`], for those who keep the texts.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = &(Arc<str>, Arc<str>)> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}
