//! Transactions and savepoints that end with their scope.

use std::ops::Deref;

use super::{Connection, Result};

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionBehavior {
    /// Locks are taken as statements need them.
    #[default]
    Deferred,
    /// The write lock is taken at once.
    Immediate,
    /// Like immediate, and in rollback mode nobody reads beside it.
    Exclusive,
}

/// What happens to a transaction that is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropBehavior {
    #[default]
    Rollback,
    Commit,
    /// It stays open.
    Ignore,
}

/// A transaction: rolled back when it goes out of scope, unless it was committed.
pub struct Transaction<'conn> {
    connection: &'conn Connection,
    drop_behavior: DropBehavior,
    done: bool,
}

impl<'conn> Transaction<'conn> {
    pub(super) fn begin(
        connection: &'conn Connection,
        behavior: TransactionBehavior,
    ) -> Result<Transaction<'conn>> {
        connection.execute_batch(match behavior {
            TransactionBehavior::Deferred => "BEGIN DEFERRED",
            TransactionBehavior::Immediate => "BEGIN IMMEDIATE",
            TransactionBehavior::Exclusive => "BEGIN EXCLUSIVE",
        })?;
        Ok(Transaction { connection, drop_behavior: DropBehavior::default(), done: false })
    }

    /// Commits.
    ///
    /// # Errors
    /// `SQLITE_BUSY` and what else stops a commit; the transaction is then rolled back by the drop.
    pub fn commit(mut self) -> Result<()> {
        self.connection.execute_batch("COMMIT")?;
        self.done = true;
        Ok(())
    }

    /// Rolls back.
    ///
    /// # Errors
    /// What stops a rollback.
    pub fn rollback(mut self) -> Result<()> {
        self.done = true;
        self.connection.execute_batch("ROLLBACK")
    }

    /// A savepoint inside.
    ///
    /// # Errors
    /// What stops a savepoint.
    pub fn savepoint(&mut self) -> Result<Savepoint<'_>> {
        Savepoint::open(self.connection, 1)
    }

    /// What a drop does.
    pub fn set_drop_behavior(&mut self, behavior: DropBehavior) {
        self.drop_behavior = behavior;
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.done || self.connection.is_autocommit() {
            return;
        }
        // A drop has nobody to tell.
        let _ = match self.drop_behavior {
            DropBehavior::Rollback => self.connection.execute_batch("ROLLBACK"),
            DropBehavior::Commit => self.connection.execute_batch("COMMIT"),
            DropBehavior::Ignore => Ok(()),
        };
    }
}

/// A savepoint: rolled back and released when it goes out of scope, unless it was committed.
pub struct Savepoint<'conn> {
    connection: &'conn Connection,
    depth: u32,
    done: bool,
}

impl<'conn> Savepoint<'conn> {
    pub(super) fn open(connection: &'conn Connection, depth: u32) -> Result<Savepoint<'conn>> {
        connection.execute_batch(&format!("SAVEPOINT kernite_{depth}"))?;
        Ok(Savepoint { connection, depth, done: false })
    }

    /// Releases it, keeping its changes.
    ///
    /// # Errors
    /// What stops a release.
    pub fn commit(mut self) -> Result<()> {
        self.done = true;
        self.connection.execute_batch(&format!("RELEASE kernite_{}", self.depth))
    }

    /// Undoes what happened since it was opened; it stays open.
    ///
    /// # Errors
    /// What stops a rollback.
    pub fn rollback(&mut self) -> Result<()> {
        self.connection.execute_batch(&format!("ROLLBACK TO kernite_{}", self.depth))
    }

    /// A savepoint inside this one.
    ///
    /// # Errors
    /// What stops a savepoint.
    pub fn savepoint(&mut self) -> Result<Savepoint<'_>> {
        Savepoint::open(self.connection, self.depth + 1)
    }
}

impl Deref for Savepoint<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if !self.done {
            // A drop has nobody to tell.
            let _ = self.rollback();
            let _ = self.connection.execute_batch(&format!("RELEASE kernite_{}", self.depth));
        }
    }
}
