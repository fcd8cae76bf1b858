//! Arithmetic and comparison of two vectors: one to one, or, with `group_left` and `group_right`, many to one.

use std::collections::HashMap;

use super::Matches;
use crate::labels::Labels;
use crate::promql::EvalError;
use crate::promql::eval::vector::{Same, is_of_name};
use crate::promql::eval::{Column, Evaluator, Grid, Row, Vector};
use crate::promql::plan::{Group, LabelChoice, Matched};

impl Evaluator<'_> {
    pub(in crate::promql::eval) fn matched(
        &mut self,
        operation: &Matched,
        grid: &Grid,
    ) -> Result<Vector, EvalError> {
        let left = self.vector(&operation.left, grid)?;
        let right = self.vector(&operation.right, grid)?;
        // The side that may have several samples is `many`, as if it were always the left one.
        let swapped = matches!(operation.group, Group::Right(_));
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let matches = Matches::new(self, &many, &one, &operation.on);
        self.refuse_several_on_one_side(operation, &many, &one, &matches, grid)?;

        let drops_name = operation.as_bool || !operation.operator.is_comparison();
        let mut several = !matches!(operation.group, Group::None) || (drops_name && !many.distinct);
        let mut rows = Vec::with_capacity(many.rows.len());
        for (on_many, on_one) in &matches.groups {
            several |= on_many.len() > 1 || on_one.len() > 1;
            self.refuse_several_matches(operation, &many, &one, on_many, on_one)?;
            for &at in on_many {
                self.check_time()?;
                let row = &many.rows[at];
                for &other in on_one {
                    let other = &one.rows[other];
                    let column = values(operation, swapped, &row.column, &other.column);
                    if !column.is_empty() {
                        self.hold(column.len())?;
                        rows.push(self.matched_row(operation, row, other, column));
                    }
                }
            }
        }
        let mut result = Vector::new(rows, false);
        if several && !self.options.delayed_name_removal {
            self.unite(&mut result, Same::Merges)?;
        } else {
            result.distinct = drops_name || many.distinct;
        }
        Ok(result)
    }

    /// The labels of a result (Prometheus' `resultMetric`).
    fn matched_row(&self, operation: &Matched, many: &Row, one: &Row, column: Column) -> Row {
        let drops_name =
            !operation.operator.is_comparison() || (operation.as_bool && !self.options.delayed_name_removal);
        let mut row = Row { labels: many.labels.clone(), unnamed: false, column };
        let hides_name = drops_name || self.hides_name(many);
        let wanted = |name: &str| match (&operation.group, &operation.on) {
            (Group::None, LabelChoice::Only(labels)) => labels.iter().any(|label| label == name),
            (Group::None, LabelChoice::AllBut(labels)) => !labels.iter().any(|label| label == name),
            _ => true,
        };
        let all_wanted = match (&operation.group, &operation.on) {
            (Group::None, LabelChoice::AllBut(labels)) => labels.is_empty(),
            (Group::None, LabelChoice::Only(_)) => false,
            _ => true,
        };
        if all_wanted && hides_name && !self.options.delayed_name_removal {
            // Nothing but the name goes: that can wait.
            row.unnamed = true;
        } else if !all_wanted || hides_name {
            row.labels = row.labels.filtered(|name| wanted(name) && !(hides_name && is_of_name(name)));
        }
        if self.options.delayed_name_removal {
            row.unnamed = operation.as_bool;
        }
        if let Group::Left(include) | Group::Right(include) = &operation.group
            && !include.is_empty()
        {
            row.labels = with_included(&self.labels(&row), &self.labels(one), include);
            row.unnamed &= self.options.delayed_name_removal;
        }
        row
    }

    /// At no step at which there is anything to match may the one side have two samples of a signature.
    fn refuse_several_on_one_side(
        &self,
        operation: &Matched,
        many: &Vector,
        one: &Vector,
        matches: &Matches,
        grid: &Grid,
    ) -> Result<(), EvalError> {
        if matches.groups.iter().all(|(_, on_one)| on_one.len() < 2) {
            return Ok(());
        }
        let mut wanted = vec![false; grid.steps];
        many.rows.iter().flat_map(|row| row.column.iter()).for_each(|(step, _)| wanted[step] = true);
        for (_, on_one) in &matches.groups {
            let meet = first_meeting(one, on_one, |step| wanted[step]);
            let Some((first, second)) = meet else { continue };
            let side = if matches!(operation.group, Group::Right(_)) { "left" } else { "right" };
            let mut both = [&one.rows[first], &one.rows[second]].map(|row| shown(&self.labels(row)));
            both.sort();
            let [first, second] = both;
            let group = shown(&self.labels(&one.rows[on_one[0]]).filtered(|name| operation.on.takes(name)));
            return Err(EvalError::Invalid(format!(
                "found duplicate series for the match group {group} on the {side} hand-side of the operation: \
                 [{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
            )));
        }
        Ok(())
    }

    /// One to one means just that; with grouping, results must differ in their labels.
    fn refuse_several_matches(
        &self,
        operation: &Matched,
        many: &Vector,
        one: &Vector,
        on_many: &[usize],
        on_one: &[usize],
    ) -> Result<(), EvalError> {
        if on_many.len() < 2 || on_one.is_empty() {
            return Ok(());
        }
        let matched = |step| on_one.iter().any(|&at| one.rows[at].column.has(step));
        let refused = |why: &str| EvalError::Invalid(format!("multiple matches for labels: {why}"));
        if matches!(operation.group, Group::None) {
            return match first_meeting(many, on_many, matched) {
                None => Ok(()),
                Some(_) => Err(refused("many-to-one matching must be explicit (group_left/group_right)")),
            };
        }
        let mut alike: HashMap<Labels, Vec<usize>> = HashMap::new();
        for &at in on_many {
            for &other in on_one {
                let row = self.matched_row(operation, &many.rows[at], &one.rows[other], Column::default());
                let alike = alike.entry(self.labels(&row)).or_default();
                if !alike.contains(&at) {
                    alike.push(at);
                }
            }
        }
        for alike in alike.values() {
            if first_meeting(many, alike, matched).is_some() {
                return Err(refused("grouping labels must ensure unique matches"));
            }
        }
        Ok(())
    }
}

fn values(operation: &Matched, swapped: bool, many: &Column, one: &Column) -> Column {
    let mut column = Column::default();
    for (step, kept) in many.iter() {
        let Some(other) = one.at(step) else { continue };
        let (left, right) = if swapped { (other, kept) } else { (kept, other) };
        // Of two samples that compare as asked, the left one stays, whichever side is the many.
        if let Some(value) = operation.operator.of_samples(left, right, left, operation.as_bool) {
            if column.is_empty() {
                column = Column::with_room(many.span().end - step);
            }
            column.push(step, value);
        }
    }
    column.settled()
}

/// Two rows that have values at one of the steps.
fn first_meeting(vector: &Vector, rows: &[usize], counts: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
    let mut seen: HashMap<usize, usize> = HashMap::new();
    if rows.len() < 2 {
        return None;
    }
    for &row in rows {
        for (step, _) in vector.rows[row].column.iter().filter(|(step, _)| counts(*step)) {
            if let Some(first) = seen.insert(step, row) {
                return Some((first, row));
            }
        }
    }
    None
}

fn with_included(labels: &Labels, from: &Labels, include: &[String]) -> Labels {
    let taken = |name: &str| include.iter().any(|label| label == name);
    labels.filtered(|name| !taken(name)).merged(&from.filtered(taken))
}

/// As Prometheus writes label sets into its errors.
fn shown(labels: &Labels) -> String {
    let plain = |name: &str| {
        let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        name.bytes().next().is_some_and(letter)
            && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
    };
    let pairs = labels.iter().map(|(name, value)| {
        if plain(name) { format!("{name}={value:?}") } else { format!("{name:?}={value:?}") }
    });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}
