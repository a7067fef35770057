//! Questions to the authorizer.
//!
//! Each access is asked about once, while the statement is compiled, in SQLite's order. Statements that the engine writes itself and
//! the reading of a schema are not asked about.
//!
//! Spec: C/C++ interface, "Compile-Time Authorization Callbacks", "Authorizer Action Codes".

use kernite_vdbe::{Db, Error};

use super::{CompileResult, Compiler, lossy};

/// Authorizer action codes (`SQLITE_CREATE_INDEX` and so on).
pub mod action {
    pub const CREATE_INDEX: i32 = 1;
    pub const CREATE_TABLE: i32 = 2;
    pub const CREATE_TEMP_INDEX: i32 = 3;
    pub const CREATE_TEMP_TABLE: i32 = 4;
    pub const CREATE_TEMP_TRIGGER: i32 = 5;
    pub const CREATE_TEMP_VIEW: i32 = 6;
    pub const CREATE_TRIGGER: i32 = 7;
    pub const CREATE_VIEW: i32 = 8;
    pub const DELETE: i32 = 9;
    pub const DROP_INDEX: i32 = 10;
    pub const DROP_TABLE: i32 = 11;
    pub const DROP_TEMP_INDEX: i32 = 12;
    pub const DROP_TEMP_TABLE: i32 = 13;
    pub const DROP_TEMP_TRIGGER: i32 = 14;
    pub const DROP_TEMP_VIEW: i32 = 15;
    pub const DROP_TRIGGER: i32 = 16;
    pub const DROP_VIEW: i32 = 17;
    pub const INSERT: i32 = 18;
    pub const PRAGMA: i32 = 19;
    pub const READ: i32 = 20;
    pub const SELECT: i32 = 21;
    pub const TRANSACTION: i32 = 22;
    pub const UPDATE: i32 = 23;
    pub const ATTACH: i32 = 24;
    pub const DETACH: i32 = 25;
    pub const ALTER_TABLE: i32 = 26;
    pub const REINDEX: i32 = 27;
    pub const ANALYZE: i32 = 28;
    pub const CREATE_VTABLE: i32 = 29;
    pub const DROP_VTABLE: i32 = 30;
    pub const FUNCTION: i32 = 31;
    pub const SAVEPOINT: i32 = 32;
    pub const RECURSIVE: i32 = 33;
}

/// `SQLITE_AUTH`.
const AUTH: i32 = 23;

/// What an access that the authorizer is asked about is.
#[derive(Clone, Copy, Debug)]
pub struct AuthRequest<'a> {
    /// One of [`action`].
    pub action: i32,
    pub first: Option<&'a [u8]>,
    pub second: Option<&'a [u8]>,
    pub database: Option<&'a [u8]>,
    /// Innermost trigger or view.
    pub inside: Option<&'a [u8]>,
}

/// The authorizer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthAnswer {
    Allow,
    Deny,
    /// Reads give NULL, other actions do nothing.
    Ignore,
    /// A number that means nothing.
    Invalid,
}

/// The authorizer callback.
pub trait Authorizer: Send {
    /// Decides on one access.
    fn authorize(&mut self, request: &AuthRequest<'_>) -> AuthAnswer;
}

impl Compiler<'_> {
    /// Asks about an action. `Ok(true)`: go on. `Ok(false)`: leave it out, silently.
    ///
    /// # Errors
    /// `not authorized` (`SQLITE_AUTH`).
    pub fn authorize(
        &mut self,
        action: i32,
        first: Option<&[u8]>,
        second: Option<&[u8]>,
        database: Option<&[u8]>,
    ) -> CompileResult<bool> {
        match self.ask(action, first, second, database) {
            AuthAnswer::Allow => Ok(true),
            AuthAnswer::Ignore => Ok(false),
            AuthAnswer::Deny => Err(Error::with_code(AUTH, "not authorized")),
            AuthAnswer::Invalid => Err(malfunction()),
        }
    }

    /// Asks about SELECT: once per SELECT that is compiled, before its names are looked at (subqueries: when they are coded).
    pub fn authorize_select(&mut self) -> CompileResult<bool> {
        self.authorize(action::SELECT, None, None, None)
    }

    /// Asks about reading a column (the empty name: no column is used). `Ok(false)`: it reads as NULL.
    pub fn authorize_read(&mut self, table: &[u8], column: &[u8], db: Db) -> CompileResult<bool> {
        if self.authorizer.is_none() {
            return Ok(true);
        }
        let database = self.database_name(db).to_vec();
        match self.ask(action::READ, Some(table), Some(column), Some(&database)) {
            AuthAnswer::Allow => Ok(true),
            AuthAnswer::Ignore => Ok(false),
            AuthAnswer::Invalid => Err(malfunction()),
            AuthAnswer::Deny => {
                let name = format!("{}.{}", lossy(table), lossy(column));
                let qualified = if self.catalog.databases.len() > 2 || db.0 != 0 {
                    format!("{}.{name}", lossy(&database))
                } else {
                    name
                };
                Err(Error::with_code(AUTH, format!("access to {qualified} is prohibited")))
            }
        }
    }

    /// The bare answer.
    pub(crate) fn ask(
        &mut self,
        action: i32,
        first: Option<&[u8]>,
        second: Option<&[u8]>,
        database: Option<&[u8]>,
    ) -> AuthAnswer {
        if self.options.loading_schema || self.nested > 0 {
            return AuthAnswer::Allow;
        }
        match &mut self.authorizer {
            None => AuthAnswer::Allow,
            Some(authorizer) => authorizer.authorize(&AuthRequest {
                action,
                first,
                second,
                database,
                inside: self.auth_context.as_deref(),
            }),
        }
    }
}

fn malfunction() -> Error {
    Error::message("authorizer malfunction")
}
