//! Key descriptions: how the keys of indexes, sorters and ephemeral indexes compare.

use std::sync::Arc;

use kernite_btree::{KeyColumn, KeyInfo};
use kernite_parser::ast::NullsOrder;
use kernite_vdbe::op::KeyInfoId;

use crate::bound::{ExprId, OrderTerm};
use crate::catalog::Index;
use crate::codegen::state::Kept;
use crate::compile::{CompileResult, Compiler};

/// Whether NULLs sort as the largest value: NULLS LAST on an ascending term, NULLS FIRST on a descending one.
pub fn big_null(term: &OrderTerm) -> bool {
    match term.nulls {
        Some(NullsOrder::Last) => !term.descending,
        Some(NullsOrder::First) => term.descending,
        None => false,
    }
}

/// Builds key descriptions.
impl Compiler<'_> {
    /// A key of `count` BINARY columns, ascending.
    pub fn binary_key(&mut self, count: usize) -> KeyInfo {
        let columns = vec![KeyColumn::default(); count];
        KeyInfo { encoding: self.options.encoding, columns, key_column_count: count }
    }

    /// The key of an index: its columns with their collations and directions.
    pub fn index_key(&mut self, index: &Arc<Index>) -> CompileResult<Arc<KeyInfo>> {
        let identity = Arc::as_ptr(index) as usize;
        if let Some(known) = self.codegen.index_keys.get(&identity) {
            return Ok(Arc::clone(known));
        }
        let mut columns = Vec::with_capacity(index.columns.len());
        for at in 0..index.columns.len() {
            let name = index.collations.get(at).and_then(|name| name.as_deref());
            let name = name.filter(|_| !kernite_io::planted!(CollationIgnored));
            let collation = self.find_collation(name)?;
            let descending = index.descending.get(at).copied().unwrap_or(false);
            let descending = descending && !kernite_io::planted!(DescendingIgnored);
            columns.push(KeyColumn { collation, descending, big_null: false });
        }
        let key_column_count = if index.unique_not_null { index.key_columns } else { columns.len() };
        let key = Arc::new(KeyInfo { encoding: self.options.encoding, columns, key_column_count });
        self.codegen.index_keys.insert(identity, Arc::clone(&key));
        self.codegen.kept.push(Kept::Index(Arc::clone(index)));
        Ok(key)
    }

    /// The key made of expressions, ascending, each by its own collation, with `extra` columns behind.
    pub fn exprs_key(&mut self, exprs: &[ExprId], extra: usize) -> CompileResult<KeyInfo> {
        let mut key = self.binary_key(exprs.len() + extra);
        for (column, &expr) in key.columns.iter_mut().zip(exprs) {
            column.collation = self.find_collation(self.bound.collation(expr))?;
        }
        key.key_column_count = exprs.len();
        Ok(key)
    }

    /// The key of a sort by ORDER BY terms, with `extra` columns behind.
    pub fn order_key(&mut self, terms: &[OrderTerm], extra: usize) -> CompileResult<KeyInfo> {
        let mut key = self.binary_key(terms.len() + extra);
        for (column, term) in key.columns.iter_mut().zip(terms) {
            column.collation = self.find_collation(self.bound.collation(term.expr))?;
            column.descending = term.descending;
            column.big_null = big_null(term);
        }
        key.key_column_count = terms.len();
        Ok(key)
    }

    /// Links a key description.
    pub fn link_key(&mut self, key: KeyInfo) -> KeyInfoId {
        self.builder.key_info(Arc::new(key))
    }
}
