//! Functions: kernels over windows, values and vectors, and what only the evaluator can do.

use std::collections::HashMap;

use super::vector::{NAME, Same};
use super::{Column, Evaluator, Grid, Row, Scalar, Vector};
use crate::labels::Labels;
use crate::promql::functions::{Arguments, Function, Kernel, Note, Relabel, Window};
use crate::promql::plan::{self, Call, Input, Range};
use crate::promql::{EvalError, Point, Sample};

type WindowKernel = fn(&Window<'_>, &Arguments<'_>) -> Option<f64>;
type ElementKernel = fn(f64, &Arguments<'_>) -> Option<f64>;
type VectorKernel = fn(Vec<Sample>, &Arguments<'_>) -> Vec<Sample>;

impl Evaluator<'_> {
    pub(super) fn call(&mut self, call: &Call, grid: &Grid) -> Result<Vector, EvalError> {
        let scalars: Vec<Scalar> =
            call.scalars.iter().map(|scalar| self.scalar(scalar, grid)).collect::<Result<_, _>>()?;
        let mut vector = match &call.input {
            Input::Range(range) => {
                let Kernel::Window(kernel) = call.function.kernel else { return Err(misused(call.function)) };
                return self.over_windows(call, kernel, range, &scalars, grid);
            }
            Input::Labels(of, relabel) => {
                let vector = self.vector(of, grid)?;
                return self.relabelled(vector, relabel);
            }
            Input::Vector(of) => self.vector(of, grid)?,
        };
        match call.function.kernel {
            Kernel::Element(kernel) | Kernel::ElementOrTime(kernel) => {
                self.over_elements(kernel, &mut vector, &scalars, grid);
            }
            Kernel::Vector(kernel) => vector = self.over_vectors(kernel, &vector, &scalars, grid)?,
            Kernel::Order(order) => {
                if grid.steps > 1 {
                    self.notes.add(Note::SortInRangeQuery);
                } else {
                    let value = |row: &Row| row.column.at(0).unwrap_or(f64::NAN);
                    vector.rows.sort_by(|a, b| order(value(a), value(b)));
                }
            }
            Kernel::Window(_) | Kernel::Relabel(_) => return Err(misused(call.function)),
        }
        if !call.function.keeps_name {
            self.unname(&mut vector, Same::Merges)?;
        }
        Ok(vector)
    }

    fn over_windows(
        &mut self,
        call: &Call,
        kernel: WindowKernel,
        range: &Range,
        scalars: &[Scalar],
        grid: &Grid,
    ) -> Result<Vector, EvalError> {
        let counts = matches!(call.function.name, "rate" | "increase");
        let mut rows: Vec<Row> = Vec::new();
        let mut numbers = Numbers::new(scalars);
        let distinct = self.each_input(range, grid, &mut |evaluator, input| {
            let mut column = Column::default();
            input.each_window(|step, window| {
                let (scalars, at_ms) = (numbers.at(step), window.at_ms);
                let arguments = Arguments { scalars, at_ms, notes: &evaluator.notes };
                if let Some(value) = kernel(window, &arguments) {
                    if column.is_empty() {
                        column = Column::with_room(grid.steps - step);
                    }
                    column.push(step, value);
                }
                Ok(())
            })?;
            if !column.is_empty() {
                evaluator.hold(column.len())?;
                let column = column.settled();
                let row = Row { labels: input.labels.clone(), unnamed: input.unnamed, column };
                if counts && rows.last().is_none_or(|last| last.labels.value(NAME) != row.labels.value(NAME))
                {
                    evaluator.note_non_counter(&row);
                }
                rows.push(row);
            }
            Ok(())
        })?;
        let mut vector = Vector::new(rows, distinct);
        if call.function.keeps_name {
            return Ok(vector);
        }
        self.unname(&mut vector, Same::IsRefused)?;
        Ok(vector)
    }

    fn note_non_counter(&self, row: &Row) {
        const OF_COUNTERS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];
        let metric = if self.hides_name(row) { None } else { row.labels.value(NAME) };
        if let Some(metric) = metric
            && !OF_COUNTERS.iter().any(|suffix| metric.ends_with(suffix))
        {
            self.notes.add(Note::PossibleNonCounter { metric: metric.to_owned() });
        }
    }

    fn over_elements(&self, kernel: ElementKernel, vector: &mut Vector, scalars: &[Scalar], grid: &Grid) {
        let mut numbers = Numbers::new(scalars);
        for row in &mut vector.rows {
            row.column.map(|step, value| {
                let scalars = numbers.at(step);
                kernel(value, &Arguments { scalars, at_ms: grid.at(step), notes: &self.notes })
            });
        }
        vector.drop_empty();
    }

    fn over_vectors(
        &mut self,
        kernel: VectorKernel,
        vector: &Vector,
        scalars: &[Scalar],
        grid: &Grid,
    ) -> Result<Vector, EvalError> {
        let labels: Vec<Labels> = vector.rows.iter().map(|row| self.labels(row)).collect();
        let mut numbers = Numbers::new(scalars);
        let mut known: HashMap<Labels, usize> = HashMap::new();
        let mut rows: Vec<Row> = Vec::new();
        for step in 0..grid.steps {
            self.check_time()?;
            let at_ms = grid.at(step);
            let present = vector.rows.iter().zip(&labels).filter_map(|(row, labels)| {
                let value = row.column.at(step)?;
                Some(Sample { labels: labels.clone(), point: Point { at_ms, value } })
            });
            let scalars = numbers.at(step);
            let arguments = Arguments { scalars, at_ms, notes: &self.notes };
            let results = kernel(present.collect(), &arguments);
            self.hold(results.len())?;
            for Sample { labels, point } in results {
                let at = *known.entry(labels).or_insert_with_key(|labels| {
                    rows.push(Row::new(labels.clone(), Column::default()));
                    rows.len() - 1
                });
                rows[at].column.push(step, point.value);
            }
        }
        Ok(Vector::new(rows, vector.distinct))
    }

    fn relabelled(&self, mut vector: Vector, relabel: &Relabel) -> Result<Vector, EvalError> {
        for row in &mut vector.rows {
            let labels = self.labels(row);
            if let Some(labels) = relabel.apply(&labels) {
                row.labels = labels;
                // A name given here stays.
                row.unnamed &= !relabel.names();
            }
        }
        self.unite(&mut vector, Same::Merges)?;
        Ok(vector)
    }

    pub(super) fn scalar_of(&mut self, of: &plan::Vector, grid: &Grid) -> Result<Scalar, EvalError> {
        let vector = self.vector(of, grid)?;
        self.held -= vector.points().min(self.held);
        let mut values = vec![f64::NAN; grid.steps];
        let mut seen = vec![0_u32; grid.steps];
        for (step, value) in vector.rows.iter().flat_map(|row| row.column.iter()) {
            seen[step] += 1;
            values[step] = if seen[step] == 1 { value } else { f64::NAN };
        }
        Ok(Scalar::Each(values))
    }

    pub(super) fn vector_of(&mut self, of: &plan::Scalar, grid: &Grid) -> Result<Vector, EvalError> {
        let values = self.scalar(of, grid)?.into_values(grid.steps);
        Ok(Vector::of_one(Labels::empty(), Column::full(values)))
    }

    pub(super) fn absent(
        &mut self,
        of: &plan::Vector,
        labels: &Labels,
        grid: &Grid,
    ) -> Result<Vector, EvalError> {
        let vector = self.vector(of, grid)?;
        let mut present = vec![false; grid.steps];
        vector.rows.iter().flat_map(|row| row.column.iter()).for_each(|(step, _)| present[step] = true);
        Ok(one_where_not(&present, labels))
    }

    pub(super) fn absent_over_time(
        &mut self,
        range: &Range,
        labels: &Labels,
        grid: &Grid,
    ) -> Result<Vector, EvalError> {
        let mut present = vec![false; grid.steps];
        self.each_input(range, grid, &mut |_, input| {
            input.each_window(|step, _| {
                present[step] = true;
                Ok(())
            })
        })?;
        Ok(one_where_not(&present, labels))
    }

    pub(super) fn evaluated_at(&mut self, of: &plan::Vector, grid: &Grid) -> Result<Vector, EvalError> {
        let mut vector = self.vector(of, grid)?;
        for row in &mut vector.rows {
            row.column.map(|step, _| Some(super::grid::seconds(grid.at(step))));
        }
        self.unname(&mut vector, Same::Merges)?;
        Ok(vector)
    }

    pub(super) fn negated(&mut self, of: &plan::Vector, grid: &Grid) -> Result<Vector, EvalError> {
        let mut vector = self.vector(of, grid)?;
        for row in &mut vector.rows {
            row.column.map(|_, value| Some(-value));
        }
        self.unname(&mut vector, Same::Merges)?;
        Ok(vector)
    }
}

fn one_where_not(present: &[bool], labels: &Labels) -> Vector {
    let mut column = Column::default();
    for (step, _) in present.iter().enumerate().filter(|(_, present)| !**present) {
        column.push(step, 1.0);
    }
    Vector::of_one(labels.clone(), column)
}

fn misused(function: &Function) -> EvalError {
    EvalError::Invalid(format!("function {:?} has an argument of the wrong type", function.name))
}

/// The numbers of a call at one step after the other.
struct Numbers<'a> {
    scalars: &'a [Scalar],
    current: Vec<f64>,
    /// Whether they are the same at all steps.
    same: bool,
}

impl<'a> Numbers<'a> {
    fn new(scalars: &'a [Scalar]) -> Self {
        let same = scalars.iter().all(|scalar| matches!(scalar, Scalar::Same(_)));
        Numbers { scalars, current: scalars.iter().map(|scalar| scalar.at(0)).collect(), same }
    }

    fn at(&mut self, step: usize) -> &[f64] {
        if !self.same {
            for (current, scalar) in self.current.iter_mut().zip(self.scalars) {
                *current = scalar.at(step);
            }
        }
        &self.current
    }
}
