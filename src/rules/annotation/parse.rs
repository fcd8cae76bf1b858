//! A template's text to its tree: what Go's parser accepts, and no name that nothing stands behind.

use super::TemplateError;
use super::constant::number;
use super::functions::{self, Function};
use super::syntax::{Branches, Call, Command, Definition, Node, Operand, Pipeline, Term};
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

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    /// The text's length.
    end: usize,
    depth: usize,
    /// How many `range` are open.
    loops: usize,
    variables: Vec<String>,
    definitions: Vec<Definition>,
    /// Of `template`, with the place of the name.
    called: Vec<(usize, String)>,
}

type Result<T, E = TemplateError> = std::result::Result<T, E>;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    /// Where the next token begins.
    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(offset, _)| *offset)
    }

    fn skip_space(&mut self) {
        while self.peek() == Some(&Token::Space) {
            self.at += 1;
        }
    }

    fn peek_beyond_space(&mut self) -> Option<&Token> {
        self.skip_space();
        self.peek()
    }

    fn takes(&mut self, token: &Token) -> bool {
        let takes = self.peek_beyond_space() == Some(token);
        self.at += usize::from(takes);
        takes
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(TemplateError::new(self.offset(), message))
    }

    fn unexpected<T>(&self, context: &str) -> Result<T> {
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

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
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

    /// Up to `}}` or `)`, which stays.
    fn pipeline(&mut self, context: &str) -> Result<Pipeline> {
        self.skip_space();
        let offset = self.offset();
        let (variables, assigns) = self.variables_before(context)?;
        let mut commands = Vec::new();
        loop {
            match self.peek_beyond_space() {
                Some(Token::Close | Token::RightParen) if commands.is_empty() => {
                    return self.fail(format!("missing value for {context}"));
                }
                Some(Token::Close | Token::RightParen) => break,
                _ => {}
            }
            let command = self.command(context)?;
            let executable = !matches!(
                command.first.term,
                Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text(..)
            );
            if !commands.is_empty() && !executable {
                let message = format!("non executable command in pipeline stage {}", commands.len() + 1);
                return Err(TemplateError::new(command.offset, message));
            }
            commands.push(command);
            if self.takes(&Token::Pipe)
                && matches!(self.peek_beyond_space(), Some(Token::Close | Token::RightParen))
            {
                return self.fail("missing command after |");
            }
        }
        if !assigns {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipeline { offset, variables, assigns, commands })
    }

    /// `$a :=`, `$a =`, or, of `range`, `$a, $b :=`; nothing is read if it is none of these.
    fn variables_before(&mut self, context: &str) -> Result<(Vec<String>, bool)> {
        let start = self.at;
        let mut variables = Vec::new();
        while let Some(Token::Variable(name)) = self.peek_beyond_space() {
            let name = name.clone();
            let (offset, at) = (self.offset(), self.at);
            self.at += 1;
            variables.push(name.clone());
            match self.peek_beyond_space() {
                Some(Token::Declare) => {
                    self.at += 1;
                    return Ok((variables, false));
                }
                Some(Token::Assign) => {
                    self.at += 1;
                    if let Some(unknown) = variables.iter().find(|name| !self.variables.contains(name)) {
                        return Err(TemplateError::new(offset, format!("undefined variable {unknown}")));
                    }
                    return Ok((variables, true));
                }
                Some(Token::Comma) if context == "range" && variables.len() < 2 => self.at += 1,
                Some(Token::Comma) => return self.fail(format!("too many declarations in {context}")),
                _ if variables.len() > 1 => {
                    self.at = at;
                    return self.fail("range can only initialize variables: expected := after them");
                }
                _ => break,
            }
        }
        if variables.len() > 1 || self.tokens[start..self.at].iter().any(|(_, token)| *token == Token::Comma)
        {
            return self.fail("range can only initialize variables: expected a second one");
        }
        self.at = start;
        Ok((Vec::new(), false))
    }

    fn command(&mut self, context: &str) -> Result<Command> {
        self.skip_space();
        let offset = self.offset();
        let Some(first) = self.operand()? else { return self.unexpected(context) };
        let mut arguments = Vec::new();
        loop {
            match self.peek() {
                Some(Token::Space) => {
                    if let Some(argument) = self.operand()? {
                        arguments.push(argument);
                    } else if !matches!(self.peek(), Some(Token::Close | Token::RightParen | Token::Pipe)) {
                        return self.unexpected("operand");
                    }
                }
                Some(Token::Close | Token::RightParen | Token::Pipe) => {
                    return Ok(Command { offset, first, arguments });
                }
                _ => return self.unexpected("operand"),
            }
        }
    }

    /// A term and the fields right behind it.
    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(Operand { mut offset, mut term }) = self.term()? else { return Ok(None) };
        let mut fields = Vec::new();
        let fields_offset = self.offset();
        while let Some(Token::Field(name)) = self.peek() {
            fields.push(name.clone());
            self.at += 1;
        }
        if fields.is_empty() {
            return Ok(Some(Operand { offset, term }));
        }
        match &mut term {
            Term::Fields(known) | Term::Variable(_, known) => known.extend(fields),
            Term::Bool(_) | Term::Text(..) | Term::Number(_) | Term::Nil | Term::Dot => {
                let message = format!("unexpected . after term {}", Operand { offset, term });
                return Err(TemplateError::new(fields_offset, message));
            }
            Term::Function(_) | Term::Pipeline(_) | Term::Chain(..) => {
                term = Term::Chain(Box::new(Operand { offset, term }), fields);
            }
        }
        // Where Go says that it is.
        offset = fields_offset;
        Ok(Some(Operand { offset, term }))
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        self.skip_space();
        let offset = self.offset();
        let Some(token) = self.peek().cloned() else { return Ok(None) };
        let term = match token {
            Token::Dot => Term::Dot,
            Token::Field(name) => Term::Fields(vec![name]),
            Token::Variable(name) if self.variables.contains(&name) => Term::Variable(name, Vec::new()),
            Token::Variable(name) => return self.fail(format!("undefined variable {name}")),
            Token::Word(word) => match word.as_str() {
                "true" => Term::Bool(true),
                "false" => Term::Bool(false),
                "nil" => Term::Nil,
                _ => Term::Function(self.function(&word)?),
            },
            Token::Number(source) => match number(&source) {
                Ok(number) => Term::Number(number),
                Err(message) => return self.fail(message),
            },
            Token::Character(source, character) => {
                Term::Number(super::constant::character(source, character))
            }
            Token::Quoted(source, value) => Term::Text(source, value),
            Token::LeftParen => {
                self.at += 1;
                let inside = self.nested(|parser| parser.pipeline("parenthesized pipeline"))?;
                if self.peek_beyond_space() != Some(&Token::RightParen) {
                    return self.unexpected("parenthesized pipeline");
                }
                // Where Go says that it is.
                let offset = inside.offset;
                self.at += 1;
                return Ok(Some(Operand { offset, term: Term::Pipeline(Box::new(inside)) }));
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(Operand { offset, term }))
    }

    fn function(&self, name: &str) -> Result<&'static Function> {
        if let Some(function) = functions::find(name) {
            return Ok(function);
        }
        if matches!(name, "if" | "else" | "end" | "range" | "with" | "define" | "template" | "block") {
            return self.unexpected("operand");
        }
        self.fail(functions::unknown(name))
    }
}

fn unclosed(keyword: &str, offset: usize) -> TemplateError {
    TemplateError::new(offset, format!("{keyword} is not closed: expected {{{{end}}}}"))
}
