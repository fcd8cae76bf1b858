//! Calls of functions.

use promql_parser::parser::{self, Expr};

use super::build::{Built, node};
use super::{Call, Input, Plan, Range, Scalar, Vector, leaf};
use crate::labels::Labels;
use crate::promql::functions::{self, Function, Kernel};

/// Functions whose result depends on the moment of evaluation even if their arguments do not (Prometheus'
/// `AtModifierUnsafeFunctions`).
const OF_THE_MOMENT: [&str; 11] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "hour",
    "minute",
    "month",
    "year",
    "predict_linear",
    "time",
    "timestamp",
];

pub(super) fn call(call: &parser::Call, depth: usize) -> Result<Built, String> {
    let name = call.func.name;
    if call.func.experimental {
        return Err(format!("function {name:?} is experimental in Prometheus and not supported"));
    }
    let built: Vec<Built> = call.args.args.iter().map(|arg| node(arg, depth)).collect::<Result<_, _>>()?;
    let of_moment = OF_THE_MOMENT.contains(&name);
    let taken_at = name == "timestamp" && call.args.args.iter().all(|arg| is_selector(arg));
    let fixed = (!of_moment || taken_at) && built.iter().all(|arg| arg.fixed);
    let args = if fixed {
        built.into_iter().map(|arg| arg.plan).collect()
    } else {
        built.into_iter().map(Built::wrapped).collect()
    };
    Ok(Built { plan: plan(name, args)?, fixed, pays: fixed })
}

fn is_selector(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => is_selector(&paren.expr),
        Expr::VectorSelector(_) => true,
        _ => false,
    }
}

fn plan(name: &str, mut args: Vec<Plan>) -> Result<Plan, String> {
    let only = if args.len() == 1 { args.pop() } else { None };
    Ok(match (name, only) {
        ("time", None) => Plan::Scalar(Scalar::Time),
        ("pi", None) => Plan::Scalar(Scalar::Number(std::f64::consts::PI)),
        ("scalar", Some(Plan::Vector(of))) => Plan::Scalar(Scalar::Of(Box::new(of))),
        ("vector", Some(Plan::Scalar(of))) => Plan::Vector(Vector::Of(Box::new(of))),
        ("absent", Some(Plan::Vector(of))) => {
            let labels = labels_of_absent(&of);
            Plan::Vector(Vector::Absent(Box::new(of), labels))
        }
        ("absent_over_time", Some(Plan::Range(range))) => {
            let labels = match &range {
                Range::Selector { selector, .. } => leaf::labels_of_absent(selector),
                Range::Subquery(_) => Labels::empty(),
            };
            Plan::Vector(Vector::AbsentOverTime(Box::new(range), labels))
        }
        ("timestamp", Some(Plan::Vector(of))) => Plan::Vector(match of {
            Vector::Selector(selector) => Vector::TakenAt(selector),
            of => Vector::EvaluatedAt(Box::new(of)),
        }),
        (_, only) => {
            args.extend(only);
            let function =
                functions::find(name).ok_or_else(|| format!("function {name:?} is not supported"))?;
            Plan::Vector(Vector::Call(Box::new(of_kernel(function, args)?)))
        }
    })
}

fn labels_of_absent(of: &Vector) -> Labels {
    match of {
        Vector::Selector(selector) => leaf::labels_of_absent(selector),
        Vector::Fixed(of) => labels_of_absent(of),
        _ => Labels::empty(),
    }
}

fn of_kernel(function: &'static Function, args: Vec<Plan>) -> Result<Call, String> {
    let (mut vector, mut range) = (None, None);
    let (mut scalars, mut strings) = (Vec::new(), Vec::new());
    for arg in args {
        match arg {
            Plan::Vector(given) => vector = Some(given),
            Plan::Range(given) => range = Some(given),
            Plan::Scalar(given) => scalars.push(given),
            Plan::Text(given) => strings.push(given),
        }
    }
    let wanted = |what: &str| format!("expected type {what} in call to function {:?}", function.name);
    let input = match (&function.kernel, vector, range) {
        (Kernel::Window(_), None, Some(range)) => Input::Range(range),
        (Kernel::Window(_), ..) => return Err(wanted("range vector")),
        (Kernel::ElementOrTime(_), None, None) => Input::Vector(Vector::Of(Box::new(Scalar::Time))),
        (Kernel::Relabel(relabel), Some(vector), None) => {
            Input::Labels(vector, relabel(&strings).map_err(|error| error.to_string())?)
        }
        (_, Some(vector), None) => Input::Vector(vector),
        _ => return Err(wanted("instant vector")),
    };
    Ok(Call { function, input, scalars })
}
