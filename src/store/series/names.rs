//! What series are called: label sets and families as they are kept.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::family::{Family, FamilyKind};
use crate::labels::Labels;
use crate::tsdb::Store;

/// What is said of families, by their names.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Names(pub(super) BTreeMap<String, (FamilyKind, String)>);

impl Names {
    pub(super) fn of_families(families: &[Family]) -> Self {
        let said = |family: &Family| (family.name.clone(), (family.kind, family.help.clone()));
        Names(families.iter().map(said).collect())
    }

    pub(super) fn of_store(store: &Store) -> Self {
        let metadata = store.metadata().into_iter();
        Names(metadata.map(|(name, said)| (name, (said.kind, said.help))).collect())
    }

    /// Adds what is new; whether anything was.
    pub(super) fn learn(&mut self, more: &Names) -> bool {
        let mut learned = false;
        for (name, said) in &more.0 {
            if self.0.get(name) != Some(said) {
                self.0.insert(name.clone(), said.clone());
                learned = true;
            }
        }
        learned
    }

    pub(super) fn to_json(&self) -> Json {
        let said = |(kind, help): &(FamilyKind, String)| json!({"kind": kind_name(*kind), "help": help});
        Json::Object(self.0.iter().map(|(name, each)| (name.clone(), said(each))).collect::<Map<_, _>>())
    }

    pub(super) fn from_json(json: &Json) -> Option<Self> {
        let said = |said: &Json| {
            Some((kind_of(said.get("kind")?.as_str()?)?, said.get("help")?.as_str()?.to_owned()))
        };
        let named = json.as_object()?.iter().map(|(name, each)| Some((name.clone(), said(each)?)));
        named.collect::<Option<_>>().map(Names)
    }

    /// Families without series: what a store needs to say the same of them.
    pub(super) fn families(&self) -> Vec<Family> {
        self.0.iter().map(|(name, (kind, help))| Family::new(name, *kind, help)).collect()
    }
}

const KINDS: [(FamilyKind, &str); 5] = [
    (FamilyKind::Counter, "counter"),
    (FamilyKind::Gauge, "gauge"),
    (FamilyKind::Histogram, "histogram"),
    (FamilyKind::Summary, "summary"),
    (FamilyKind::Unknown, "unknown"),
];

fn kind_name(kind: FamilyKind) -> &'static str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or("unknown", |(_, name)| name)
}

fn kind_of(name: &str) -> Option<FamilyKind> {
    KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
}

/// All samples as a time series database knows them, with their names among the labels.
pub(super) fn flat(families: &[Family]) -> Vec<(Labels, f64)> {
    let mut samples = Vec::new();
    for family in families {
        family.each_sample(|name, labels, value| samples.push((labels.with("__name__", name), value)));
    }
    samples
}

/// [[name, value, name, value, …], …]
pub(super) fn labels_to_json(sets: &[Labels]) -> Json {
    let set = |labels: &Labels| -> Json {
        labels.iter().flat_map(|(name, value)| [Json::from(name), Json::from(value)]).collect()
    };
    sets.iter().map(set).collect()
}

pub(super) fn labels_from_json(json: &Json) -> Option<Vec<Labels>> {
    let set = |set: &Json| {
        let texts: Vec<&str> = set.as_array()?.iter().map(Json::as_str).collect::<Option<_>>()?;
        let pairs = texts.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        Some(Labels::new(pairs))
    };
    json.as_array()?.iter().map(set).collect()
}
