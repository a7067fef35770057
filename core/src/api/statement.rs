//! Prepared statements.

use std::marker::PhantomData;

use super::types::ToSql;
use super::{Connection, Error, MappedRows, Params, Result, Row, Rows};
use crate::connection::raw;

/// A prepared statement of a connection.
pub struct Statement<'conn> {
    row: Row<'static>,
    connection: PhantomData<&'conn Connection>,
}

impl Statement<'_> {
    pub(super) fn new(raw: raw::Statement) -> Self {
        Statement { row: Row::new(raw), connection: PhantomData }
    }

    /// Runs a statement that returns no rows; how many rows it changed.
    ///
    /// # Errors
    /// [`Error::ExecuteReturnedResults`] where there is a row; what ends the run.
    pub fn execute<P: Params>(&mut self, params: P) -> Result<usize> {
        params.bind_to(self)?;
        match self.row.raw.execute()? {
            Some(changes) => Ok(changes as usize),
            None => Err(Error::ExecuteReturnedResults),
        }
    }

    /// Runs an INSERT; the rowid of the row.
    ///
    /// # Errors
    /// What ends the run.
    pub fn insert<P: Params>(&mut self, params: P) -> Result<i64> {
        self.execute(params)?;
        Ok(self.row.raw.connection().last_insert_rowid())
    }

    /// Starts a run; its rows.
    ///
    /// # Errors
    /// What is wrong with the parameters.
    pub fn query<P: Params>(&mut self, params: P) -> Result<Rows<'_>> {
        params.bind_to(self)?;
        Ok(Rows::new(&mut self.row))
    }

    /// Starts a run with the parameters as they are; its rows.
    pub fn raw_query(&mut self) -> Rows<'_> {
        Rows::new(&mut self.row)
    }

    /// Starts a run; its rows through a function.
    ///
    /// # Errors
    /// What is wrong with the parameters.
    pub fn query_map<T, P, F>(&mut self, params: P, map: F) -> Result<MappedRows<'_, F>>
    where
        P: Params,
        F: FnMut(&Row<'_>) -> Result<T>,
    {
        Ok(self.query(params)?.mapped(map))
    }

    /// The first row through a function.
    ///
    /// # Errors
    /// [`Error::QueryReturnedNoRows`]; what ends the run.
    pub fn query_row<T, P, F>(&mut self, params: P, map: F) -> Result<T>
    where
        P: Params,
        F: FnOnce(&Row<'_>) -> Result<T>,
    {
        let mut rows = self.query(params)?;
        match rows.next()? {
            Some(row) => map(row),
            None => Err(Error::QueryReturnedNoRows),
        }
    }

    /// Whether there is a row.
    ///
    /// # Errors
    /// What ends the run.
    pub fn exists<P: Params>(&mut self, params: P) -> Result<bool> {
        Ok(self.query(params)?.next()?.is_some())
    }

    /// Number of columns of a row.
    pub fn column_count(&self) -> usize {
        self.row.raw.column_count()
    }

    /// Names of the columns.
    pub fn column_names(&self) -> Vec<String> {
        self.row
            .raw
            .columns()
            .iter()
            .map(|column| String::from_utf8_lossy(&column.name).into_owned())
            .collect()
    }

    /// Declared type of a column, where it is a table's column with one.
    pub fn column_decltype(&self, index: usize) -> Option<String> {
        let declared = self.row.raw.columns().get(index)?.declared_type.as_deref()?;
        Some(String::from_utf8_lossy(declared).into_owned())
    }

    /// Number of parameters: the largest that is used.
    pub fn parameter_count(&self) -> usize {
        self.row.raw.parameter_count() as usize
    }

    /// Position, from 1, of a parameter by its name with its first character.
    ///
    /// # Errors
    /// None; the result is as `rusqlite` has it.
    pub fn parameter_index(&self, name: &str) -> Result<Option<usize>> {
        Ok(self.row.raw.parameter_number(name.as_bytes()).map(|number| number as usize))
    }

    /// Name of a parameter, from 1.
    pub fn parameter_name(&self, index: usize) -> Option<String> {
        let name = self.row.raw.parameter_name(u32::try_from(index).ok()?)?;
        Some(String::from_utf8_lossy(name).into_owned())
    }

    /// Binds one parameter, from 1. The others keep their values.
    ///
    /// # Errors
    /// `SQLITE_RANGE` where there is no such parameter.
    pub fn raw_bind_parameter<T: ToSql>(&mut self, index: usize, value: T) -> Result<()> {
        let output = value.to_sql()?;
        let number = u32::try_from(index).unwrap_or(0);
        Ok(self.row.raw.bind(number, output.as_ref())?)
    }

    /// Sets all parameters to NULL.
    pub fn clear_bindings(&mut self) {
        self.row.raw.clear_bindings();
    }

    /// 1 for an EXPLAIN, 2 for an EXPLAIN QUERY PLAN, 0 for any other statement.
    pub fn is_explain(&self) -> i32 {
        match self.row.raw.explained() {
            raw::Explain::No => 0,
            raw::Explain::Program => 1,
            raw::Explain::QueryPlan => 2,
        }
    }

    /// A counter of its runs, by the numbers of `SQLITE_STMTSTATUS_…`; it starts anew.
    pub fn counter(&mut self, number: i32) -> u64 {
        self.row.raw.counter(number, true)
    }

    /// Its text.
    pub fn sql(&self) -> &[u8] {
        self.row.raw.sql()
    }

    /// Whether it changes no database.
    pub fn readonly(&self) -> bool {
        self.row.raw.is_read_only()
    }

    /// Ends the statement.
    ///
    /// # Errors
    /// None that a step has not told.
    pub fn finalize(self) -> Result<()> {
        Ok(())
    }
}
