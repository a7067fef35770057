//! ON CONFLICT clauses of INSERT.
//!
//! Each clause is about one unique index, or the rowid, or, without a target, about all. DO UPDATE is an UPDATE of the one row that is in
//! the way; it uses the cursors that the INSERT has open.
//!
//! Spec: UPSERT.

use std::sync::Arc;

use kernite_parser::ast::{self, NullsOrder, UpsertAction};
use kernite_vdbe::op::{Cursor, HaltCode, OnConflict, Op};
use kernite_vdbe::{Addr, Error, Reg};

use super::super::column;
use super::complete::Target;
use super::update::{self as updating, Upserted};
use super::{names, row, unique};
use crate::bound::{AFFINITY_REAL, ExprId, ExprKind, SelectId, Similarity};
use crate::catalog::{Index, Table};
use crate::compile::{CompileResult, Compiler};

/// The ON CONFLICT clauses of a statement.
#[derive(Clone, Debug)]
pub struct Upsert {
    clauses: Vec<Clause>,
    target: ast::Target,
    /// Rowid of the row that could not be inserted, `excluded`.
    excluded: Reg,
}

/// One clause.
#[derive(Clone, Debug)]
pub struct Clause {
    has_target: bool,
    /// The index that it is about; `None`: the rowid.
    index: Option<Arc<Index>>,
    /// An earlier clause is about the same index.
    is_duplicate: bool,
    action: UpsertAction,
}

impl Clause {
    /// DO UPDATE, not DO NOTHING.
    pub fn is_update(&self) -> bool {
        matches!(self.action, UpsertAction::Update { .. })
    }

    fn is_about(&self, index: Option<&Arc<Index>>) -> bool {
        match (&self.index, index) {
            _ if !self.has_target => true,
            (Some(own), Some(index)) => Arc::ptr_eq(own, index),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Upsert {
    /// Looks at the clauses of an INSERT; `None` if it has none. `write` is the table it writes to, `excluded` its row's first register.
    ///
    /// # Errors
    /// A target that is no unique constraint; a table that has none.
    pub fn bind(
        c: &mut Compiler<'_>,
        statement: &ast::Insert,
        table: &Arc<Table>,
        write: Option<&Target>,
        excluded: Reg,
    ) -> CompileResult<Option<Upsert>> {
        if statement.upserts.is_empty() {
            return Ok(None);
        }
        let Some(write) = write else {
            let name = String::from_utf8_lossy(&table.name);
            return Err(Error::message(if row::is_view(table) {
                "cannot UPSERT a view".to_owned()
            } else {
                format!("UPSERT not implemented for virtual table \"{name}\"")
            }));
        };
        let ast = Arc::clone(&c.ast);
        let clauses = ast.list(statement.upserts);
        let mut upsert = Upsert { clauses: Vec::new(), target: statement.target, excluded };
        for term in clauses.first().map_or(&[][..], |clause| ast.list(clause.target)) {
            if let Some(nulls) = term.nulls {
                let which = if nulls == NullsOrder::First { "FIRST" } else { "LAST" };
                return Err(Error::message(format!("unsupported use of NULLS {which}")));
            }
        }
        for (at, clause) in clauses.iter().enumerate() {
            let mut index = None;
            if !clause.target.is_empty() {
                let core = names::scan(c, table, &statement.target, ast::Indexed::Any)?;
                if let Some(item) = c.bound[core].from.first_mut() {
                    item.cursor = write.cursors.data;
                }
                index = match find_constraint(c, table, core, clause)? {
                    Found::Rowid => None,
                    Found::Index(index) => Some(index),
                    Found::Nothing => {
                        let which = if clauses.len() == 1 { String::new() } else { ordinal(at + 1) };
                        return Err(Error::message(format!(
                            "{which}ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint"
                        )));
                    }
                };
            }
            let has_target = !clause.target.is_empty();
            let new = Clause { has_target, index, is_duplicate: false, action: clause.action };
            let is_duplicate =
                new.index.is_some() && upsert.clauses.iter().any(|known| known.is_about(new.index.as_ref()));
            upsert.clauses.push(Clause { is_duplicate, ..new });
        }
        Ok(Some(upsert))
    }

    /// A clause by number.
    pub fn clause(&self, at: usize) -> &Clause {
        &self.clauses[at]
    }

    /// Whether the first clause is about every constraint.
    pub fn has_no_target(&self) -> bool {
        self.clauses.first().is_some_and(|clause| !clause.has_target)
    }

    /// The clause for an index; `None`: for the rowid.
    pub fn clause_for(&self, index: Option<&Arc<Index>>) -> Option<usize> {
        self.clauses.iter().position(|clause| clause.is_about(index))
    }

    /// In which order indexes are checked: those of clauses first.
    pub fn index_order(&self, table: &Table) -> Vec<usize> {
        let mut order = Vec::with_capacity(table.indexes.len());
        for clause in self.clauses.iter().take_while(|clause| clause.has_target) {
            let Some(index) = &clause.index else { continue };
            let at = row::indexes(table).position(|known| Arc::ptr_eq(known, index));
            order.extend(at.filter(|at| !order.contains(at)));
        }
        order.extend((0..table.indexes.len()).filter(|at| !order.contains(at)).collect::<Vec<_>>());
        order
    }

    /// Whether the rowid is next to be checked behind clause `at`.
    pub fn next_is_rowid(&self, at: usize) -> bool {
        let behind = self.clauses[at + 1..].iter();
        match behind
            .clone()
            .find(|clause| !clause.has_target || clause.index.is_none() || !clause.is_duplicate)
        {
            None => true,
            Some(clause) => !clause.has_target || clause.index.is_none(),
        }
    }
}

/// What a conflict target names.
enum Found {
    Rowid,
    Index(Arc<Index>),
    Nothing,
}

/// Finds the unique constraint that a clause is about.
fn find_constraint(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    core: SelectId,
    clause: &ast::Upsert,
) -> CompileResult<Found> {
    let ast = Arc::clone(&c.ast);
    let terms = ast.list(clause.target).iter().map(|term| names::scoped(c, core, term.expr));
    let terms: Vec<ExprId> = terms.collect::<CompileResult<_>>()?;
    let filter = clause.target_filter.map(|filter| names::scoped(c, core, filter)).transpose()?;
    if row::has_rowid(table)
        && let [term] = terms[..]
        && matches!(c.bound[term].kind, ExprKind::Column { column: column::ROWID, .. })
    {
        return Ok(Found::Rowid);
    }
    let cursor = names::cursor_of(c, core);
    let indexes: Vec<_> = row::indexes(table).cloned().collect();
    for index in indexes {
        if !index.unique || index.key_columns != terms.len() {
            continue;
        }
        if let Some(condition) = column::index_filter(c, table, &index)? {
            let same = |filter| c.bound.compare(filter, condition, Some(cursor)) == Similarity::Same;
            if !filter.is_some_and(same) {
                continue;
            }
        }
        let mut matches = true;
        for at in 0..index.key_columns {
            let key = key_expr(c, table, &index, at, cursor)?;
            let named = |term: &ExprId| c.bound.compare(*term, key, Some(cursor)) < Similarity::Different;
            matches &= terms.iter().any(named);
        }
        if matches {
            return Ok(Found::Index(index));
        }
    }
    Ok(Found::Nothing)
}

/// A key of an index, with its collation.
fn key_expr(
    c: &mut Compiler<'_>,
    table: &Arc<Table>,
    index: &Arc<Index>,
    at: usize,
    cursor: Cursor,
) -> CompileResult<ExprId> {
    let operand = match column::index_column(index, at) {
        column::EXPR => {
            let expr = column::index_expr(c, table, index, at)?;
            if matches!(c.bound[expr].kind, ExprKind::Collate { .. }) {
                return Ok(expr);
            }
            expr
        }
        number => {
            // An INTEGER PRIMARY KEY keeps its number here, while a target names it as the rowid: so it never matches, as in SQLite.
            c.bound.expr(ExprKind::Column { cursor, column: number, table: Some(Arc::clone(table)) })
        }
    };
    let collation = index.collations.get(at).and_then(|name| name.clone());
    let collation = collation.unwrap_or_else(|| b"BINARY"[..].into());
    Ok(c.bound.expr(ExprKind::Collate { operand, collation }))
}

/// `1st `, `2nd `, …
fn ordinal(number: usize) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix} ")
}

/// Codes DO UPDATE for a conflict that was found in `index` (`None`: of the rowid), on whose entry `cursor` stands.
pub fn update(
    c: &mut Compiler<'_>,
    upsert: &Upsert,
    write: &Target,
    index: Option<&Arc<Index>>,
    cursor: Cursor,
) -> CompileResult<()> {
    let table = Arc::clone(&write.table);
    let data = write.cursors.data;
    if let Some(index) = index.filter(|_| cursor != data) {
        match row::primary_key(&table).cloned() {
            None => {
                let rowid = c.builder.temp_reg();
                c.emit(Op::IdxRowid { cursor, out: rowid });
                c.emit(Op::NotExists { cursor: data, key: rowid, miss: Addr(0) });
                c.builder.release_temp(rowid);
            }
            Some(primary) => {
                let count = primary.key_columns as u32;
                let key = c.builder.alloc_regs(count);
                unique::read_primary_key(c, &primary, index, cursor, key);
                let found = c.label();
                c.emit(Op::Found { cursor: data, key, count: count as u16, to: found });
                c.halt_constraint(HaltCode::CorruptIndex, OnConflict::Abort, Some(b"corrupt database"));
                c.bind(found);
            }
        }
    }
    for (at, column) in table.columns.iter().enumerate() {
        if column.affinity == AFFINITY_REAL {
            c.emit(Op::RealAffinity { value: row::column_reg(&table, upsert.excluded, at) });
        }
    }
    let Some(clause) = upsert.clause_for(index) else { return Ok(()) };
    let UpsertAction::Update { set, filter } = upsert.clauses[clause].action else { return Ok(()) };
    let saved = upsert.clone();
    updating::upserted(c, Upserted { target: saved.target, set, filter, write, excluded: saved.excluded })
}
