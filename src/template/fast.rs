//! Simple expressions without minijinja: paths, constants, comparisons, `and`, `or`, `not`.
//!
//! It works on minijinja's own values with their own equality and order, so that it can only agree
//! with minijinja; what it does not know it leaves to minijinja. `agreement` compares the two.

use std::borrow::Cow;

use minijinja::Value;

use super::error::EvalError;
use super::names::Names;
use super::path::{Path, Root, path_steps};
use super::scope::Scope;
use super::token::{Token, tokens};

/// How many operators and parentheses an expression may have, and so how deep its tree may be; one
/// with more is left to minijinja.
const MAX_DEPTH: u8 = 32;

#[derive(Debug, Clone)]
pub(super) enum Node {
    Constant(Value),
    Path(Path),
    Compare(Comparison, Box<(Node, Node)>),
    /// Whether a list of constants holds a value.
    In {
        needle: Box<Node>,
        list: Box<[Value]>,
        negated: bool,
    },
    /// Whether the body holds a string: of all things worth asking the one that must not copy it.
    InBody {
        needle: Box<str>,
        negated: bool,
    },
    And(Box<(Node, Node)>),
    Or(Box<(Node, Node)>),
    Not(Box<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn of(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, left: &Value, right: &Value) -> bool {
        match (self, left.as_str(), right.as_str()) {
            (Comparison::Equal, Some(left), Some(right)) => return left == right,
            (Comparison::NotEqual, Some(left), Some(right)) => return left != right,
            _ => {}
        }
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => left < right,
            Comparison::LessOrEqual => left <= right,
            Comparison::Greater => left > right,
            Comparison::GreaterOrEqual => left >= right,
        }
    }
}

impl Node {
    fn operand<'n>(&'n self, scope: &Scope<'_>) -> Result<Cow<'n, Value>, EvalError> {
        match self {
            Node::Constant(value) => Ok(Cow::Borrowed(value)),
            Node::Path(path) => path.defined(scope).map(Cow::Owned),
            node => node.eval(scope).map(Cow::Owned),
        }
    }

    /// The value, never undefined.
    pub(super) fn eval(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        match self {
            Node::Constant(value) => Ok(value.clone()),
            Node::Path(path) => path.defined(scope),
            // As in Python, `and` and `or` give the operand that decides.
            Node::And(sides) => match sides.0.eval(scope)? {
                left if left.is_true() => sides.1.eval(scope),
                left => Ok(left),
            },
            Node::Or(sides) => match sides.0.eval(scope)? {
                left if left.is_true() => Ok(left),
                _ => sides.1.eval(scope),
            },
            _ => self.is_true(scope).map(Value::from),
        }
    }

    pub(super) fn is_true(&self, scope: &Scope<'_>) -> Result<bool, EvalError> {
        match self {
            Node::Constant(_) | Node::Path(_) => Ok(self.eval(scope)?.is_true()),
            Node::And(sides) => Ok(sides.0.is_true(scope)? && sides.1.is_true(scope)?),
            Node::Or(sides) => Ok(sides.0.is_true(scope)? || sides.1.is_true(scope)?),
            Node::Not(node) => Ok(!node.is_true(scope)?),
            Node::Compare(comparison, sides) => {
                let (left, right) = operands(sides, scope)?;
                Ok(comparison.holds(&left, &right))
            }
            Node::In { needle, list, negated } => {
                let needle = needle.operand(scope)?;
                Ok(list.contains(&needle) != *negated)
            }
            Node::InBody { needle, negated } => match scope.exchange {
                Some(exchange) => Ok(exchange.body_lossy().contains(&**needle) != *negated),
                None => Err(EvalError::undefined(Root::Body.name())),
            },
        }
    }
}

/// Both sides of a comparison: first evaluated, then asked whether they are undefined.
fn operands<'n>(
    sides: &'n (Node, Node),
    scope: &Scope<'_>,
) -> Result<(Cow<'n, Value>, Cow<'n, Value>), EvalError> {
    if let (Node::Path(left), Node::Path(right)) = sides {
        left.resolve(scope)?;
        right.resolve(scope)?;
    }
    Ok((sides.0.operand(scope)?, sides.1.operand(scope)?))
}

/// Reads an expression that minijinja has accepted and whose names are known; nothing when it is not
/// a simple one.
pub(super) fn parse(text: &str, names: &Names) -> Option<Node> {
    let tokens = tokens(text);
    let mut parser = Parser { tokens: &tokens, place: 0, depth: 0, names };
    let node = parser.or()?;
    (parser.place == tokens.len()).then_some(node)
}

struct Parser<'t> {
    tokens: &'t [(usize, Token<'t>)],
    place: usize,
    depth: u8,
    names: &'t Names,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.place).map(|(_, token)| *token)
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let token = self.peek()?;
        self.place += 1;
        Some(token)
    }

    fn skip(&mut self, expected: Token<'_>) -> bool {
        let found = self.peek() == Some(expected);
        self.place += usize::from(found);
        found
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    fn or(&mut self) -> Option<Node> {
        let mut left = self.and()?;
        while self.skip(Token::Ident("or")) {
            self.deeper()?;
            left = Node::Or(Box::new((left, self.and()?)));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Node> {
        let mut left = self.not()?;
        while self.skip(Token::Ident("and")) {
            self.deeper()?;
            left = Node::And(Box::new((left, self.not()?)));
        }
        Some(left)
    }

    fn not(&mut self) -> Option<Node> {
        if self.skip(Token::Ident("not")) {
            self.deeper()?;
            return Some(Node::Not(Box::new(self.not()?)));
        }
        self.compare()
    }

    fn compare(&mut self) -> Option<Node> {
        let left = self.operand()?;
        let negated = self.skip(Token::Ident("not"));
        if self.skip(Token::Ident("in")) {
            return self.membership(plain(left)?, negated);
        }
        let comparison = match self.peek() {
            Some(Token::Symbol(symbol)) => Comparison::of(symbol),
            _ => None,
        };
        let Some(comparison) = comparison else { return Some(left) };
        self.place += 1;
        // A second comparison, as in `1 < a < 3`, is left over and sends all of it to minijinja.
        Some(Node::Compare(comparison, Box::new((plain(left)?, plain(self.operand()?)?))))
    }

    fn membership(&mut self, needle: Node, negated: bool) -> Option<Node> {
        if self.skip(Token::Symbol("[")) {
            let list = self.constants()?.into();
            return Some(Node::In { needle: Box::new(needle), list, negated });
        }
        match (needle, self.operand()?) {
            (Node::Constant(needle), Node::Path(Path { root: Root::Body, steps })) if steps.is_empty() => {
                Some(Node::InBody { needle: needle.as_str()?.into(), negated })
            }
            _ => None,
        }
    }

    /// The rest of a list of constants, and its bracket.
    fn constants(&mut self) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        while !self.skip(Token::Symbol("]")) {
            let Node::Constant(value) = self.operand()? else { return None };
            values.push(value);
            if !self.skip(Token::Symbol(",")) && self.peek() != Some(Token::Symbol("]")) {
                return None;
            }
        }
        Some(values)
    }

    fn operand(&mut self) -> Option<Node> {
        match self.next()? {
            Token::Str { raw, escaped: false } => Some(Node::Constant(Value::from(raw))),
            Token::Number(digits) => number(digits).map(Node::Constant),
            Token::Symbol("-") => match self.next()? {
                Token::Number(digits) => negative(digits).map(Node::Constant),
                _ => None,
            },
            Token::Symbol("(") => {
                self.deeper()?;
                let node = self.or()?;
                self.skip(Token::Symbol(")")).then_some(node)
            }
            Token::Ident("true" | "True") => Some(Node::Constant(Value::from(true))),
            Token::Ident("false" | "False") => Some(Node::Constant(Value::from(false))),
            Token::Ident("none" | "None") => Some(Node::Constant(Value::from(()))),
            Token::Ident(name) => {
                let root = self.names.lookup(name)?;
                let (steps, next) = path_steps(self.tokens, self.place);
                self.place = next;
                Some(Node::Path(Path { root, steps }))
            }
            _ => None,
        }
    }
}

/// A path or a constant. minijinja evaluates both sides of a comparison before it asks whether either
/// is undefined; for these two kinds `operands` knows how to report the same one.
fn plain(node: Node) -> Option<Node> {
    matches!(node, Node::Path(_) | Node::Constant(_)).then_some(node)
}

fn number(digits: &str) -> Option<Value> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.parse::<u64>().ok().map(Value::from);
    }
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { digits.parse::<f64>().ok().map(Value::from) } else { None }
}

fn negative(digits: &str) -> Option<Value> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.parse::<i64>().ok().map(|whole| Value::from(-whole));
    }
    number(digits).and_then(|value| f64::try_from(value).ok()).map(|float| Value::from(-float))
}
