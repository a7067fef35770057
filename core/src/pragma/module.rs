//! Pragmas as table-valued functions: `pragma_table_info('t')`.
//!
//! The columns are the pragma's, and behind them, hidden, its argument and the database where it takes them. A scan runs the pragma once, when
//! it starts, and keeps the rows.
//!
//! Spec: "PRAGMA Statements", "PRAGMA functions".

use std::any::Any;
use std::fmt::Write;
use std::sync::Arc;

use kernite_io::ready;
use kernite_vdbe::function::call::{set_text, text_of};
use kernite_vdbe::vtab::{
    Connected, ConstraintOp, Context, IndexInfo, Module, Plan, Risk, Sql, Table, TableCursor, Usage,
};
use kernite_vdbe::{Error, Register, Step};

use super::table::{self, Pragma, RESULT_WITH_VALUE, RESULT_WITHOUT_VALUE, SCHEMA_OPTIONAL, SCHEMA_REQUIRED};

/// A pragma that gives rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PragmaModule {
    pragma: &'static Pragma,
}

/// The table-valued function of a pragma, if it has one.
pub(crate) fn module(pragma: &[u8]) -> Option<PragmaModule> {
    let pragma = table::find(pragma)?;
    let gives_rows = pragma.has(RESULT_WITHOUT_VALUE) || pragma.has(RESULT_WITH_VALUE);
    gives_rows.then_some(PragmaModule { pragma })
}

impl PragmaModule {
    fn takes_value(self) -> bool {
        self.pragma.has(RESULT_WITH_VALUE)
    }

    fn takes_schema(self) -> bool {
        self.pragma.has(SCHEMA_OPTIONAL) || self.pragma.has(SCHEMA_REQUIRED)
    }
}

impl Module for PragmaModule {
    fn create(&self, arguments: &[&[u8]], context: &mut Context<'_>) -> Step<Connected> {
        self.connect(arguments, context)
    }

    fn connect(&self, _: &[&[u8]], _: &mut Context<'_>) -> Step<Connected> {
        let mut columns: Vec<String> =
            self.pragma.columns().iter().map(|name| format!("\"{name}\"")).collect();
        if self.takes_value() {
            columns.push("arg HIDDEN".to_owned());
        }
        if self.takes_schema() {
            columns.push("schema HIDDEN".to_owned());
        }
        Ok(Some(Connected {
            table: Arc::new(*self),
            declaration: format!("CREATE TABLE x({})", columns.join(",")),
            risk: Risk::Normal,
            constraint_support: false,
        }))
    }

    fn is_eponymous(&self) -> bool {
        true
    }

    fn is_eponymous_only(&self) -> bool {
        true
    }
}

impl Table for PragmaModule {
    fn best_index(&self, info: &mut IndexInfo) -> Result<Plan, Error> {
        /// What a scan with an argument gives, and one without that should have one.
        const FEW: i64 = 20;
        const MANY: i64 = i32::MAX as i64;
        info.estimated_cost = 1.0;
        if !self.takes_value() && !self.takes_schema() {
            return Ok(Plan::Usable);
        }
        let first_hidden = self.pragma.columns().len() as i32;
        let mut seen = [None; 2];
        for (at, constraint) in info.constraints.iter().enumerate() {
            let hidden = usize::try_from(constraint.column - first_hidden);
            let (Ok(hidden), ConstraintOp::EQ) = (hidden, constraint.op) else { continue };
            if !constraint.usable {
                return Ok(Plan::Unusable);
            }
            if let Some(slot) = seen.get_mut(hidden) {
                *slot = Some(at);
            }
        }
        let Some(first) = seen[0] else {
            info.estimated_cost = MANY as f64;
            info.estimated_rows = MANY;
            return Ok(Plan::Usable);
        };
        info.usage[first] = Usage { argument: 1, omit: true, all_at_once: false };
        info.estimated_cost = FEW as f64;
        info.estimated_rows = FEW;
        if let Some(second) = seen[1] {
            info.usage[second] = Usage { argument: 2, omit: true, all_at_once: false };
        }
        Ok(Plan::Usable)
    }

    fn open(&self) -> Result<Box<dyn TableCursor>, Error> {
        Ok(Box::new(PragmaCursor {
            module: *self,
            statement: None,
            arguments: [None, None],
            rows: Vec::new(),
            at: 0,
        }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct PragmaCursor {
    module: PragmaModule,
    /// The pragma, while it runs.
    statement: Option<u32>,
    /// Value and database.
    arguments: [Option<Vec<u8>>; 2],
    rows: Vec<Vec<Register>>,
    at: usize,
}

impl PragmaCursor {
    fn text(&self) -> String {
        let mut sql = String::from("PRAGMA ");
        let quoted = |text: &[u8]| String::from_utf8_lossy(text).replace('\'', "''");
        if let Some(schema) = &self.arguments[1] {
            let _ = write!(sql, "'{}'.", quoted(schema));
        }
        sql.push_str(self.module.pragma.name);
        if let Some(value) = &self.arguments[0] {
            let _ = write!(sql, "='{}'", quoted(value));
        }
        sql
    }

    fn run(&mut self, sql: &mut dyn Sql) -> Step<()> {
        let statement = match self.statement {
            Some(statement) => statement,
            None => {
                let text = self.text();
                *self.statement.insert(ready!(sql.prepare(&text)))
            }
        };
        let count = self.module.pragma.columns().len();
        while ready!(sql.step(statement)) {
            let value = |column: usize| {
                let mut copy = Register::null();
                copy.copy_from(sql.column(statement, column as u16));
                copy
            };
            self.rows.push((0..count).map(value).collect());
        }
        Ok(Some(()))
    }
}

impl TableCursor for PragmaCursor {
    fn filter(
        &mut self,
        _: i32,
        _: Option<&[u8]>,
        arguments: &[Register],
        context: &mut Context<'_>,
    ) -> Step<()> {
        let encoding = context.encoding;
        let Some(sql) = context.sql.as_deref_mut() else {
            return Err(Error::message("a pragma's table needs its connection"));
        };
        if self.statement.is_none() {
            let first = usize::from(!self.module.takes_value());
            self.arguments = [None, None];
            self.rows.clear();
            for (slot, argument) in self.arguments[first..].iter_mut().zip(arguments) {
                *slot = text_of(argument, encoding).map(|text| text.into_owned());
            }
        }
        let outcome = self.run(sql);
        if !matches!(outcome, Ok(None))
            && let Some(statement) = self.statement.take()
        {
            sql.finish(statement);
        }
        self.at = 0;
        outcome
    }

    fn next(&mut self, _: &mut Context<'_>) -> Step<()> {
        self.at += 1;
        Ok(Some(()))
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.rows.len()
    }

    fn column(&mut self, column: u16, _: bool, out: &mut Register, context: &mut Context<'_>) -> Step<bool> {
        let column = usize::from(column);
        let count = self.module.pragma.columns().len();
        match self.rows.get(self.at).and_then(|row| row.get(column)) {
            Some(value) => out.copy_from(value),
            None => {
                let place = column.saturating_sub(count) + usize::from(!self.module.takes_value());
                match self.arguments.get(place).and_then(Option::as_deref) {
                    Some(text) => set_text(out, text, context.encoding),
                    None => out.set_null(),
                }
            }
        }
        Ok(Some(true))
    }

    fn rowid(&mut self, _: &mut Context<'_>) -> Step<i64> {
        Ok(Some(self.at as i64))
    }
}
