//! The parser's front door.

use crate::ast::{Ast, TEXT_LEN_MAX};
use crate::grammar::{Failure, Grammar, Memory};
use crate::{Limits, Parameters, ParseError, ParseErrorKind, Parsed};

/// Reads statements. It keeps its memory from one to the next.
#[derive(Default)]
pub struct Parser {
    limits: Limits,
    memory: Memory,
    /// A statement taken back, whose memory the next one uses.
    spare: Option<(Box<Ast>, Parameters)>,
}

impl Parser {
    /// A parser with these limits.
    pub fn new(limits: Limits) -> Parser {
        Parser { limits, ..Parser::default() }
    }

    /// Sets the limits for the statements to come.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Parses the first statement of `sql`, which ends at its semicolon, at a NUL byte or with the text. `None` if there are
    /// only space, comments and semicolons.
    ///
    /// Fails with what SQLite's tokenizer and grammar would say; see `ParseError` for what else of a statement SQLite
    /// checks before such an error. Nothing of a failed statement stays in the parser.
    pub fn parse(&mut self, sql: &[u8]) -> Result<Option<Parsed>, ParseError> {
        if sql.len() > TEXT_LEN_MAX {
            let message = b"string or blob too big".to_vec();
            return Err(ParseError {
                kind: ParseErrorKind::TooBig,
                message,
                offset: None,
                end: 0,
                partial: None,
            });
        }
        let (ast, parameters) = self.spare.take().unwrap_or_default();
        let mut grammar = Grammar::new(sql, &self.limits, &mut self.memory, ast, parameters);
        let result = grammar.statement();
        let statement = match result {
            Ok(statement) => statement,
            Err(_) => grammar.partial(),
        };
        let (end, explain, features) = (grammar.end(), grammar.explain, grammar.features);
        let (mut ast, parameters) = (grammar.ast, grammar.parameters);
        let parsed = match statement {
            Some(statement) => {
                ast.set_source(sql.get(..end).unwrap_or(sql));
                Some(Parsed { statement, explain, ast, features, parameters, end })
            }
            None => {
                self.spare = Some((ast, parameters));
                None
            }
        };
        if result.is_ok() {
            debug_assert!(self.memory.is_idle());
            return Ok(parsed);
        }
        self.memory.clear();
        let Failure { kind, message, offset } = self.memory.failure.take().unwrap_or(Failure {
            kind: ParseErrorKind::Sql,
            message: b"syntax error".to_vec(),
            offset: None,
        });
        Err(ParseError { kind, message, offset, end, partial: parsed.map(Box::new) })
    }

    /// Takes back a statement that is no longer needed, to use its memory for the next.
    pub fn recycle(&mut self, parsed: Parsed) {
        self.spare = Some((parsed.ast, parsed.parameters));
    }
}

impl std::fmt::Debug for Parser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parser").field("limits", &self.limits).finish_non_exhaustive()
    }
}
