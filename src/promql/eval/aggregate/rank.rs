//! `topk` and `bottomk`.

use crate::promql::EvalError;
use crate::promql::eval::{Column, Evaluator, Grid, Row, Scalar, Vector};
use crate::promql::functions::{go_general, nan_last, nan_last_descending};
use crate::promql::plan::LabelChoice;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    Top,
    Bottom,
}

impl Rank {
    /// Whether the first stays rather than the second. NaN never does.
    fn prefers(self, a: f64, b: f64) -> bool {
        match self {
            _ if a.is_nan() => false,
            _ if b.is_nan() => true,
            Rank::Top => a > b,
            Rank::Bottom => a < b,
        }
    }
}

impl Evaluator<'_> {
    /// In the result of an instant query the best comes first.
    pub(super) fn ranked(
        &mut self,
        rank: Rank,
        k: &Scalar,
        vector: Vector,
        by: &LabelChoice,
        grid: &Grid,
    ) -> Result<Vector, EvalError> {
        if !self.any_wanted(k, grid)? {
            return Ok(Vector::default());
        }
        let groups = self.groups(&vector, by);
        let mut columns: Vec<Column> = vector.rows.iter().map(|_| Column::default()).collect();
        let mut order = Vec::new();
        let mut best: Vec<(f64, usize)> = Vec::new();
        for group in &groups {
            for step in 0..grid.steps {
                self.check_time()?;
                let k = whole(k.at(step)).min(vector.rows.len());
                best.clear();
                if k == 0 {
                    continue;
                }
                for &at in &group.members {
                    if let Some(value) = vector.rows[at].column.at(step) {
                        offer(&mut best, (value, at), k, rank);
                    }
                }
                best.sort_by(|a, b| match rank {
                    Rank::Top => nan_last_descending(a.0, b.0),
                    Rank::Bottom => nan_last(a.0, b.0),
                });
                self.hold(best.len())?;
                for &(value, at) in &best {
                    if columns[at].is_empty() {
                        order.push(at);
                    }
                    columns[at].push(step, value);
                }
            }
        }
        let row = |at: usize| {
            let Row { labels, unnamed, .. } = &vector.rows[at];
            Row { labels: labels.clone(), unnamed: *unnamed, column: std::mem::take(&mut columns[at]) }
        };
        Ok(Vector::new(order.into_iter().map(row).collect(), vector.distinct))
    }

    fn any_wanted(&self, k: &Scalar, grid: &Grid) -> Result<bool, EvalError> {
        let refused = |why: String| Err(EvalError::Invalid(why));
        let steps = if matches!(k, Scalar::Same(_)) { 1 } else { grid.steps };
        let all = || (0..steps).map(|step| k.at(step));
        let has_nan = all().any(f64::is_nan);
        // Go's Max of anything and NaN is NaN, which is not below 1.
        if !has_nan && all().all(|k| k < 1.0) {
            return Ok(false);
        }
        if has_nan {
            return refused("Parameter value is NaN".to_owned());
        }
        const LEAST: f64 = -9_223_372_036_854_775_808.0;
        if let Some(k) = all().find(|k| *k <= LEAST) {
            return refused(format!("Scalar value {} underflows int64", go_general(k, None)));
        }
        if let Some(k) = all().find(|k| *k >= -LEAST) {
            return refused(format!("Scalar value {} overflows int64", go_general(k, None)));
        }
        Ok(true)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, negative is none")]
fn whole(k: f64) -> usize {
    k as usize
}

/// Keeps the best `k`, the worst of them first, as Prometheus' heap does: of equals those that came first stay.
fn offer(best: &mut Vec<(f64, usize)>, new: (f64, usize), k: usize, rank: Rank) {
    if best.len() < k {
        best.push(new);
        let mut at = best.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !worse(rank, best[at].0, best[parent].0) {
                break;
            }
            best.swap(at, parent);
            at = parent;
        }
        return;
    }
    if !rank.prefers(new.0, best[0].0) {
        return;
    }
    best[0] = new;
    let mut at = 0;
    loop {
        let left = 2 * at + 1;
        if left >= best.len() {
            break;
        }
        let right = left + 1;
        let child = if right < best.len() && worse(rank, best[right].0, best[left].0) { right } else { left };
        if !worse(rank, best[child].0, best[at].0) {
            break;
        }
        best.swap(at, child);
        at = child;
    }
}

fn worse(rank: Rank, a: f64, b: f64) -> bool {
    a.is_nan() || rank.prefers(b, a)
}
