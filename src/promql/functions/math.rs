//! Functions of one value: rounding, bounds, powers, logarithms, angles (Prometheus' `promql/functions.go`).

use std::f64::consts::PI;

use super::{Arguments, Function};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::element("abs", |value, _| Some(value.abs())),
    Function::element("ceil", |value, _| Some(value.ceil())),
    Function::element("floor", |value, _| Some(value.floor())),
    Function::element("round", round),
    Function::element("sgn", |value, _| Some(sign(value))),
    Function::element("clamp", |value, arguments| clamp(value, scalar(arguments, 0)?, scalar(arguments, 1)?)),
    Function::element("clamp_min", |value, arguments| clamp(value, scalar(arguments, 0)?, f64::INFINITY)),
    Function::element("clamp_max", |value, arguments| clamp(value, f64::NEG_INFINITY, scalar(arguments, 0)?)),
    Function::element("exp", |value, _| Some(value.exp())),
    Function::element("sqrt", |value, _| Some(value.sqrt())),
    Function::element("ln", |value, _| Some(value.ln())),
    Function::element("log2", |value, _| Some(value.log2())),
    Function::element("log10", |value, _| Some(value.log10())),
    Function::element("deg", |value, _| Some(value * 180.0 / PI)),
    Function::element("rad", |value, _| Some(value * PI / 180.0)),
    Function::element("sin", |value, _| Some(value.sin())),
    Function::element("cos", |value, _| Some(value.cos())),
    Function::element("tan", |value, _| Some(value.tan())),
    Function::element("asin", |value, _| Some(value.asin())),
    Function::element("acos", |value, _| Some(value.acos())),
    Function::element("atan", |value, _| Some(value.atan())),
    Function::element("sinh", |value, _| Some(value.sinh())),
    Function::element("cosh", |value, _| Some(value.cosh())),
    Function::element("tanh", |value, _| Some(value.tanh())),
    Function::element("asinh", |value, _| Some(value.asinh())),
    Function::element("acosh", |value, _| Some(value.acosh())),
    Function::element("atanh", |value, _| Some(value.atanh())),
];

fn scalar(arguments: &Arguments<'_>, at: usize) -> Option<f64> {
    arguments.scalars.get(at).copied()
}

/// To the nearest multiple of the argument, one by default; a tie goes up.
fn round(value: f64, arguments: &Arguments<'_>) -> Option<f64> {
    // Dividing by the inverse costs fewer digits than multiplying.
    let inverse = 1.0 / scalar(arguments, 0).unwrap_or(1.0);
    Some((value * inverse + 0.5).floor() / inverse)
}

/// Zero and NaN are their own sign.
fn sign(value: f64) -> f64 {
    if value < 0.0 {
        -1.0
    } else if value > 0.0 {
        1.0
    } else {
        value
    }
}

/// Nothing where the bounds are crossed. NaN, of a bound as well, stays NaN, as in Go's `math.Min`.
fn clamp(value: f64, lowest: f64, highest: f64) -> Option<f64> {
    if highest < lowest {
        return None;
    }
    if value.is_nan() || lowest.is_nan() || highest.is_nan() {
        return Some(f64::NAN);
    }
    Some(value.min(highest).max(lowest))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{E, FRAC_PI_2, FRAC_PI_4, PI};

    use crate::promql::functions::testing::of_value;

    #[test]
    fn values_are_rounded_and_bounded() {
        for (name, scalars, value, expected) in [
            ("abs", vec![], -2.5, Some(2.5)),
            ("ceil", vec![], -2.5, Some(-2.0)),
            ("floor", vec![], -2.5, Some(-3.0)),
            ("round", vec![], 2.5, Some(3.0)),
            ("round", vec![], -2.5, Some(-2.0)),
            ("round", vec![0.1], 0.25, Some(0.3)),
            ("round", vec![5.0], 12.0, Some(10.0)),
            ("sgn", vec![], -7.0, Some(-1.0)),
            ("sgn", vec![], 7.0, Some(1.0)),
            ("sgn", vec![], 0.0, Some(0.0)),
            ("clamp", vec![0.0, 10.0], 11.0, Some(10.0)),
            ("clamp", vec![0.0, 10.0], -1.0, Some(0.0)),
            ("clamp", vec![0.0, 10.0], 5.0, Some(5.0)),
            ("clamp", vec![10.0, 0.0], 5.0, None),
            ("clamp_min", vec![3.0], 2.0, Some(3.0)),
            ("clamp_max", vec![3.0], 4.0, Some(3.0)),
        ] {
            assert_eq!(of_value(name, &scalars, value), expected, "{name} {scalars:?} of {value}");
        }
        for (name, scalars, value) in [
            ("clamp", vec![f64::NAN, 10.0], 5.0),
            ("clamp", vec![0.0, f64::NAN], 5.0),
            ("clamp_min", vec![0.0], f64::NAN),
            ("clamp_max", vec![f64::NAN], 5.0),
            ("round", vec![0.0], 5.0),
            ("sgn", vec![], f64::NAN),
        ] {
            assert!(of_value(name, &scalars, value).unwrap().is_nan(), "{name} {scalars:?} of {value}");
        }
    }

    #[test]
    fn powers_logarithms_and_angles() {
        for (name, value, expected) in [
            ("exp", 1.0, E),
            ("exp", f64::NEG_INFINITY, 0.0),
            ("sqrt", 9.0, 3.0),
            ("ln", 0.0, f64::NEG_INFINITY),
            ("ln", E, 1.0),
            ("log2", 8.0, 3.0),
            ("log10", 1000.0, 3.0),
            ("deg", PI, 180.0),
            ("rad", 180.0, PI),
            ("sin", 1.0, 0.841_470_984_807_896_5),
            ("cos", 1.0, 0.540_302_305_868_139_8),
            ("tan", 1.0, 1.557_407_724_654_902_3),
            ("asin", 1.0, FRAC_PI_2),
            ("acos", 1.0, 0.0),
            ("atan", 1.0, FRAC_PI_4),
            ("sinh", 1.0, 1.175_201_193_643_801_4),
            ("cosh", 1.0, 1.543_080_634_815_243_7),
            ("tanh", 1.0, 0.761_594_155_955_764_9),
            ("asinh", 1.0, 0.881_373_587_019_543),
            ("acosh", 2.0, 1.316_957_896_924_816_6),
            ("atanh", 0.5, 0.549_306_144_334_054_8),
        ] {
            let got = of_value(name, &[], value).unwrap();
            let near = got == expected || (got - expected).abs() < 1e-14;
            assert!(near, "{name} of {value} is {got}, not {expected}");
        }
        for (name, value) in [("ln", -1.0), ("sqrt", -1.0), ("asin", 2.0), ("acosh", 0.5), ("atanh", 2.0)] {
            assert!(of_value(name, &[], value).unwrap().is_nan(), "{name} of {value}");
        }
    }
}
