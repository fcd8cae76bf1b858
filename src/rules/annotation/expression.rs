//! What stands inside of `{{ }}`: pipelines, commands and their operands.

use super::TemplateError;
use super::constant::{character, number};
use super::functions::{self, Function};
use super::parse::{Parser, Result};
use super::syntax::{Command, Operand, Pipeline, Term};
use super::token::Token;

impl Parser {
    /// Up to `}}` or `)`, which stays.
    pub(super) fn pipeline(&mut self, context: &str) -> Result<Pipeline> {
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
            Token::Character(source, c) => Term::Number(character(source, c)),
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
