//! Statistics: what ANALYZE found out, put into the catalogue.
//!
//! A row of `sqlite_stat1` has a table, an index (or NULL for a table without one) and a text: the number of rows, how many rows share each
//! prefix of the key, and words: `unordered`, `noskipscan`, `sz=N`. What is not a number where one is expected counts as 0.
//!
//! Spec: Database File Format, "The sqlite_stat1 table".

use std::sync::Arc;

use super::{DatabaseSchema, Index, IndexOrigin, SchemaName, build};
use crate::plan::log_est;

/// A row of `sqlite_stat1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatisticsRow {
    pub table: Box<[u8]>,
    pub index: Option<Box<[u8]>>,
    pub text: Box<[u8]>,
}

/// What the words behind the numbers say.
#[derive(Default)]
struct Words {
    unordered: bool,
    no_skip_scan: bool,
    row_size: Option<i16>,
}

/// Replaces all statistics of a schema.
pub fn apply(schema: &mut DatabaseSchema, rows: &[StatisticsRow]) {
    forget(schema);
    for row in rows {
        apply_row(schema, row);
    }
    // An index without statistics of its own guesses, but from the number of rows that is known.
    for table in schema.tables.values_mut() {
        if !table.has_statistics || table.indexes.iter().all(|index| index.has_statistics) {
            continue;
        }
        let known = Arc::clone(table);
        let table = Arc::make_mut(table);
        table.row_estimate = table.row_estimate.max(99);
        for index in table.indexes.iter_mut().filter(|index| !index.has_statistics) {
            build::default_estimates(&known, Arc::make_mut(index));
            schema.indexes.insert(SchemaName::new(&index.name), Arc::clone(index));
        }
    }
}

fn forget(schema: &mut DatabaseSchema) {
    for table in schema.tables.values_mut() {
        if !table.has_statistics && table.indexes.iter().all(|index| !index.has_statistics) {
            continue;
        }
        let table = Arc::make_mut(table);
        table.has_statistics = false;
        table.row_estimate = build::DEFAULT_ROW_ESTIMATE;
        let plain = table.clone();
        for index in &mut table.indexes {
            let index_mut = Arc::make_mut(index);
            index_mut.has_statistics = false;
            build::default_estimates(&plain, index_mut);
            schema.indexes.insert(SchemaName::new(&index.name), Arc::clone(index));
        }
    }
}

fn apply_row(schema: &mut DatabaseSchema, row: &StatisticsRow) {
    let Some(table) = schema.tables.get_mut(&SchemaName::new(&row.table)) else { return };
    let position = row.index.as_deref().and_then(|name| {
        let is_key = name.eq_ignore_ascii_case(&row.table);
        table.indexes.iter().position(|index| {
            if is_key {
                index.origin == IndexOrigin::PrimaryKey
            } else {
                index.name.eq_ignore_ascii_case(name)
            }
        })
    });
    let table = Arc::make_mut(table);
    let Some(position) = position else {
        if row.index.is_none() {
            let (numbers, words) = decode(&row.text, 1);
            if let Some(&rows) = numbers.first() {
                table.row_estimate = rows;
            }
            table.row_size_estimate = words.row_size.unwrap_or(table.row_size_estimate);
            table.has_statistics = true;
        }
        return;
    };
    let index: &mut Index = Arc::make_mut(&mut table.indexes[position]);
    let (numbers, words) = decode(&row.text, index.key_columns + 1);
    for (estimate, number) in index.row_estimates.iter_mut().zip(&numbers) {
        *estimate = *number;
    }
    index.unordered = words.unordered;
    index.no_skip_scan = words.no_skip_scan;
    index.row_size_estimate = words.row_size.unwrap_or(index.row_size_estimate);
    index.has_statistics = true;
    if index.filter.is_none()
        && let Some(&rows) = index.row_estimates.first()
    {
        table.row_estimate = rows;
        table.has_statistics = true;
    }
    let index = Arc::clone(&table.indexes[position]);
    schema.indexes.insert(SchemaName::new(&index.name), index);
}

/// The first `count` numbers of a text as logarithmic estimates, and the words behind them.
fn decode(text: &[u8], count: usize) -> (Vec<i16>, Words) {
    let mut rest = text;
    let mut numbers = Vec::with_capacity(count);
    while numbers.len() < count && !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = rest[..digits]
            .iter()
            .fold(0u64, |value, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
        numbers.push(log_est::from_integer(value));
        rest = &rest[digits..];
        if let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
        }
    }
    let mut words = Words::default();
    for word in rest.split(|&byte| byte == b' ') {
        if word.starts_with(b"unordered") {
            words.unordered = true;
        } else if word.starts_with(b"noskipscan") {
            words.no_skip_scan = true;
        } else if let Some(size) = word.strip_prefix(b"sz=")
            && size.first().is_some_and(u8::is_ascii_digit)
        {
            let digits = size.iter().take_while(|byte| byte.is_ascii_digit());
            let size = digits
                .fold(0u64, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
            words.row_size = Some(log_est::from_integer(size.max(2)));
        }
    }
    (numbers, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_of_a_statistics_text() {
        let (numbers, words) = decode(b"1000 10 1 unordered sz=100 noskipscan", 3);
        assert_eq!(numbers, [99, 33, 0]);
        assert!(words.unordered && words.no_skip_scan);
        assert_eq!(words.row_size, Some(66));
        let (numbers, _) = decode(b"5", 3);
        assert_eq!(numbers, [23]);
    }
}
