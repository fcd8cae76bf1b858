//! A template's text to its tree: what Go's parser accepts, and no name that nothing stands behind.

use super::TemplateError;
use super::syntax::{Branches, Call, Definition, Node};
use super::token::{Token, tokens};

/// Blocks and parentheses inside each other: more than any rule has, and far less than a stack holds.
const MAX_DEPTH: usize = 100;

/// What Prometheus declares before each text.
const DECLARED: [&str; 5] = ["$", "$labels", "$externalLabels", "$externalURL", "$value"];

pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    pub(super) definitions: Vec<Definition>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, TemplateError> {
    let variables = DECLARED.map(str::to_owned).to_vec();
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        end: text.len(),
        depth: 0,
        loops: 0,
        variables,
        definitions: Vec::new(),
        called: Vec::new(),
    };
    let (nodes, ended) = parser.list()?;
    match ended {
        Ended::Text => {}
        Ended::Else(offset) => return Err(TemplateError::new(offset, "unexpected {{else}}")),
        Ended::End(offset) => return Err(TemplateError::new(offset, "unexpected {{end}}")),
    }
    let Parser { definitions, called, .. } = parser;
    let unknown = called.iter().find(|(_, name)| definitions.iter().all(|known| known.name != *name));
    match unknown {
        Some((offset, name)) => Err(TemplateError::new(*offset, format!("template {name:?} is not defined"))),
        None => Ok(Parsed { nodes, definitions }),
    }
}

/// What ended a list of nodes, and where.
enum Ended {
    Text,
    Else(usize),
    End(usize),
}

pub(super) struct Parser {
    pub(super) tokens: Vec<(usize, Token)>,
    pub(super) at: usize,
    /// The text's length.
    end: usize,
    depth: usize,
    /// How many `range` are open.
    loops: usize,
    pub(super) variables: Vec<String>,
    definitions: Vec<Definition>,
    /// Of `template`, with the place of the name.
    called: Vec<(usize, String)>,
}

pub(super) type Result<T, E = TemplateError> = std::result::Result<T, E>;

impl Parser {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    /// Where the next token begins.
    pub(super) fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(offset, _)| *offset)
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek() == Some(&Token::Space) {
            self.at += 1;
        }
    }

    pub(super) fn peek_beyond_space(&mut self) -> Option<&Token> {
        self.skip_space();
        self.peek()
    }

    pub(super) fn takes(&mut self, token: &Token) -> bool {
        let takes = self.peek_beyond_space() == Some(token);
        self.at += usize::from(takes);
        takes
    }

    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(TemplateError::new(self.offset(), message))
    }

    pub(super) fn unexpected<T>(&self, context: &str) -> Result<T> {
        let what = match self.peek() {
            None => "end of the text".to_owned(),
            Some(Token::Open) => "{{".to_owned(),
            Some(Token::Close) => "}}".to_owned(),
            Some(Token::LeftParen) => "(".to_owned(),
            Some(Token::RightParen) => ")".to_owned(),
            Some(Token::Pipe) => "|".to_owned(),
            Some(Token::Comma) => ",".to_owned(),
            Some(Token::Declare) => ":=".to_owned(),
            Some(Token::Assign) => "=".to_owned(),
            Some(Token::Space) => "a space".to_owned(),
            Some(Token::Dot) => ".".to_owned(),
            Some(Token::Field(name)) => format!(".{name}"),
            Some(Token::Variable(name) | Token::Word(name) | Token::Number(name)) => name.clone(),
            Some(Token::Character(source, _) | Token::Quoted(source, _)) => source.clone(),
            Some(Token::Text(_)) => "text".to_owned(),
        };
        self.fail(format!("unexpected {what} in {context}"))
    }

    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            return self.fail(format!("more than {MAX_DEPTH} blocks and parentheses inside each other"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Nodes up to the text's end, an `else` or an `end`, of which the keyword is past.
    fn list(&mut self) -> Result<(Vec<Node>, Ended)> {
        let mut nodes = Vec::new();
        loop {
            let offset = self.offset();
            match self.peek() {
                None => return Ok((nodes, Ended::Text)),
                Some(Token::Text(text)) => {
                    nodes.push(Node::Text(text.clone()));
                    self.at += 1;
                }
                Some(_) => {
                    self.at += 1; // `{{`: nothing else stands between texts
                    let keyword = match self.peek_beyond_space() {
                        Some(Token::Word(word)) => word.clone(),
                        _ => String::new(),
                    };
                    match keyword.as_str() {
                        "else" => {
                            self.at += 1;
                            return Ok((nodes, Ended::Else(offset)));
                        }
                        "end" => {
                            self.at += 1;
                            self.close("end")?;
                            return Ok((nodes, Ended::End(offset)));
                        }
                        "define" => self.define(offset)?,
                        _ => nodes.push(self.action(&keyword)?),
                    }
                }
            }
        }
    }

    fn close(&mut self, context: &str) -> Result<()> {
        if self.takes(&Token::Close) { Ok(()) } else { self.unexpected(context) }
    }

    fn action(&mut self, keyword: &str) -> Result<Node> {
        let known = matches!(keyword, "if" | "with" | "range" | "break" | "continue" | "template" | "block");
        let offset = self.offset();
        self.at += usize::from(known);
        match keyword {
            "if" | "with" | "range" => self.nested(|parser| parser.branches(keyword, offset)),
            "break" | "continue" => {
                if self.loops == 0 {
                    return Err(TemplateError::new(
                        offset,
                        format!("{{{{{keyword}}}}} outside of {{{{range}}}}"),
                    ));
                }
                self.close(keyword)?;
                Ok(if keyword == "break" { Node::Break } else { Node::Continue })
            }
            "template" => self.template(),
            "block" => self.nested(|parser| parser.block(offset)),
            _ => {
                let pipeline = self.pipeline("command")?;
                self.close("command")?;
                Ok(Node::Action(pipeline))
            }
        }
    }

    /// `if`, `with` or `range`, of which the keyword is past, with its `else` and its `end`.
    fn branches(&mut self, keyword: &str, offset: usize) -> Result<Node> {
        let outside = self.variables.len();
        let pipeline = self.pipeline(keyword)?;
        self.close(keyword)?;
        let inside = self.variables.len();
        self.loops += usize::from(keyword == "range");
        let (then, ended) = self.list()?;
        self.loops -= usize::from(keyword == "range");
        self.variables.truncate(inside);
        let otherwise = match ended {
            Ended::End(_) => Vec::new(),
            Ended::Text => return Err(unclosed(keyword, offset)),
            Ended::Else(_) => {
                let again = match self.peek_beyond_space() {
                    Some(Token::Word(word)) if word == keyword && keyword != "range" => Some(self.offset()),
                    _ => None,
                };
                if let Some(again) = again {
                    self.at += 1;
                    // Its `end` is ours, too.
                    vec![self.nested(|parser| parser.branches(keyword, again))?]
                } else {
                    self.close("else")?;
                    let (otherwise, ended) = self.list()?;
                    match ended {
                        Ended::End(_) => otherwise,
                        Ended::Text => return Err(unclosed(keyword, offset)),
                        Ended::Else(offset) => {
                            return Err(TemplateError::new(offset, "a second {{else}}: expected {{end}}"));
                        }
                    }
                }
            }
        };
        self.variables.truncate(outside);
        let branches = Branches { pipeline, then, otherwise };
        Ok(match keyword {
            "if" => Node::If(branches),
            "with" => Node::With(branches),
            _ => Node::Range(branches),
        })
    }

    fn template(&mut self) -> Result<Node> {
        let (offset, name) = self.template_name("template")?;
        self.called.push((offset, name.clone()));
        let argument = match self.peek_beyond_space() {
            Some(Token::Close) => None,
            _ => Some(self.pipeline("template")?),
        };
        self.close("template")?;
        Ok(Node::Call(Call { offset, name, argument }))
    }

    fn block(&mut self, offset: usize) -> Result<Node> {
        let (name_offset, name) = self.template_name("block")?;
        let argument = Some(self.pipeline("block")?);
        self.close("block")?;
        self.definition(offset, "block", &name)?;
        Ok(Node::Call(Call { offset: name_offset, name, argument }))
    }

    /// `define`, whose keyword is next.
    fn define(&mut self, offset: usize) -> Result<()> {
        if self.depth > 0 {
            return self
                .fail("unexpected define inside of another block: define templates beside each other");
        }
        self.at += 1;
        let (_, name) = self.template_name("define")?;
        self.close("define")?;
        self.nested(|parser| parser.definition(offset, "define", &name))
    }

    /// What stands up to `end`; it sees no variables but `$`.
    fn definition(&mut self, offset: usize, keyword: &str, name: &str) -> Result<()> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (nodes, ended) = self.list()?;
        (self.variables, self.loops) = (variables, loops);
        match ended {
            Ended::End(_) => {}
            Ended::Text => return Err(unclosed(keyword, offset)),
            Ended::Else(offset) => {
                return Err(TemplateError::new(offset, format!("unexpected {{{{else}}}} in {keyword}")));
            }
        }
        let is_empty = |nodes: &[Node]| {
            nodes.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
        };
        match self.definitions.iter_mut().find(|known| known.name == name) {
            Some(known) if is_empty(&known.nodes) => known.nodes = nodes,
            Some(_) if is_empty(&nodes) => {}
            Some(_) => return Err(TemplateError::new(offset, format!("template {name:?} is defined twice"))),
            None => self.definitions.push(Definition { name: name.to_owned(), nodes }),
        }
        Ok(())
    }

    fn template_name(&mut self, context: &str) -> Result<(usize, String)> {
        self.skip_space();
        let offset = self.offset();
        match self.peek() {
            Some(Token::Quoted(_, name)) => {
                let name = name.clone();
                self.at += 1;
                Ok((offset, name))
            }
            _ => self.fail(format!("expected the template's name in quotes after {context}")),
        }
    }
}

fn unclosed(keyword: &str, offset: usize) -> TemplateError {
    TemplateError::new(offset, format!("{keyword} is not closed: expected {{{{end}}}}"))
}
