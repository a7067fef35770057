//! Names of result columns as C programs hold them.
//!
//! A name that was handed out stays until the statement is finalised, or compiled again with other columns.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use kernite::compile::ColumnInfo;

use crate::connection::error::widened;

/// Which name of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Name,
    DeclaredType,
    Database,
    Table,
    Origin,
}

const KINDS: usize = 5;

/// Names that were handed out.
#[derive(Default)]
pub(crate) struct ColumnNames {
    made: RefCell<Made>,
}

#[derive(Default)]
struct Made {
    columns: Option<Arc<[ColumnInfo]>>,
    /// By column, kind, and whether in UTF-16; each with a NUL.
    texts: Vec<Option<Box<[u8]>>>,
}

fn text(column: &ColumnInfo, kind: Kind) -> Option<&[u8]> {
    let origin = column.origin.as_ref();
    match kind {
        Kind::Name => Some(&column.name),
        Kind::DeclaredType => column.declared_type.as_deref(),
        Kind::Database => origin.map(|origin| &*origin.database),
        Kind::Table => origin.map(|origin| &*origin.table),
        Kind::Origin => origin.map(|origin| &*origin.column),
    }
}

impl ColumnNames {
    /// A name of column `at` of `columns`; NULL if it has none.
    pub(crate) fn get(
        &self,
        columns: &Arc<[ColumnInfo]>,
        at: usize,
        kind: Kind,
        wide: bool,
    ) -> *const c_void {
        let mut made = self.made.borrow_mut();
        if !made.columns.as_ref().is_some_and(|known| Arc::ptr_eq(known, columns)) {
            made.texts.clear();
            made.texts.resize(columns.len() * KINDS * 2, None);
            made.columns = Some(Arc::clone(columns));
        }
        let Some(column) = columns.get(at) else { return ptr::null() };
        let slot = (at * KINDS + kind as usize) * 2 + usize::from(wide);
        let Some(place) = made.texts.get_mut(slot) else { return ptr::null() };
        if place.is_none() {
            let Some(text) = text(column, kind) else { return ptr::null() };
            let text = if wide { widened(text) } else { [text, b"\0"].concat() };
            *place = Some(text.into_boxed_slice());
        }
        place.as_ref().map_or(ptr::null(), |text| text.as_ptr().cast())
    }
}
