//! CREATE TRIGGER.

use super::{Grammar, Rule};
use crate::ast::{
    CreateTrigger, Indexed, List, Name, Span, Statement, TriggerEvent, TriggerStep, TriggerStepKind,
    TriggerTime,
};
use crate::lexer::TokenKind;

impl Grammar<'_> {
    /// `CREATE [TEMP] TRIGGER`, behind TRIGGER
    pub(super) fn create_trigger(&mut self, temporary: bool) -> Rule<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let start = self.definition_start(name);
        let time = self.trigger_time()?;
        let (event, columns) = self.trigger_event()?;
        self.expect(TokenKind::On)?;
        let table = self.qualified_name()?;
        if self.take(TokenKind::For)? {
            self.expect_all(&[TokenKind::Each, TokenKind::Row])?;
        }
        let mut condition = None;
        if self.take(TokenKind::When)? {
            self.depth += 12;
            condition = Some(self.expr()?);
            self.depth -= 12;
        }
        if self.tok.kind != TokenKind::Begin {
            return Err(self.syntax_error());
        }
        let mut trigger = CreateTrigger {
            temporary,
            if_not_exists,
            name,
            time,
            event,
            columns,
            table,
            condition,
            steps: List::default(),
            definition: Span::new(start, self.last_end),
        };
        self.begin_progress(Statement::CreateTrigger(trigger));
        self.shift()?;
        self.in_trigger = true;
        let from = self.open::<TriggerStep>();
        self.depth += 3;
        loop {
            let step = self.trigger_step()?;
            self.push(step);
            self.expect(TokenKind::Semicolon)?;
            if self.tok.kind == TokenKind::End {
                break;
            }
            self.depth = 4;
        }
        self.shift()?;
        trigger.definition.end = self.last_end;
        self.at_end_of_statement()?;
        trigger.steps = self.close(from);
        Ok(Statement::CreateTrigger(trigger))
    }

    /// `trigger_time`
    fn trigger_time(&mut self) -> Rule<TriggerTime> {
        match self.tok.kind {
            TokenKind::Before => self.shift().map(|_| TriggerTime::Before),
            TokenKind::After => self.shift().map(|_| TriggerTime::After),
            TokenKind::Instead => {
                self.shift()?;
                self.expect(TokenKind::Of).map(|_| TriggerTime::InsteadOf)
            }
            _ => Ok(TriggerTime::Before),
        }
    }

    /// `trigger_event`
    fn trigger_event(&mut self) -> Rule<(TriggerEvent, List<Name>)> {
        let event = match self.tok.kind {
            TokenKind::Delete => TriggerEvent::Delete,
            TokenKind::Insert => TriggerEvent::Insert,
            TokenKind::Update => TriggerEvent::Update,
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        if event == TriggerEvent::Update && self.take(TokenKind::Of)? {
            return Ok((event, self.names()?));
        }
        Ok((event, List::default()))
    }

    /// `trigger_cmd`
    fn trigger_step(&mut self) -> Rule<TriggerStep> {
        let start = self.tok.start;
        let kind = match self.tok.kind {
            TokenKind::Update => TriggerStepKind::Update(self.update(None)?),
            TokenKind::Insert | TokenKind::Replace => TriggerStepKind::Insert(self.insert(None)?),
            TokenKind::Delete => TriggerStepKind::Delete(self.delete(None)?),
            _ if self.at_select() => {
                self.depth += 1;
                let select = self.select()?;
                self.depth -= 1;
                TriggerStepKind::Select(select)
            }
            _ => return Err(self.syntax_error()),
        };
        Ok(TriggerStep { kind, span: self.span_to_token(start) })
    }

    /// `tridxby`: allowed by the grammar to get a message of its own.
    pub(super) fn no_index_in_trigger(&mut self, indexed: Indexed) {
        let clause = match indexed {
            Indexed::Any => return,
            Indexed::By(_) => "INDEXED BY",
            Indexed::Not => "NOT INDEXED",
        };
        let rest = "clause is not allowed on UPDATE or DELETE statements within triggers";
        self.fail(format!("the {clause} {rest}"), None);
    }
}
