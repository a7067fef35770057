//! The application's hooks. Each is taken out while it is called, so that it may use the connection; one that sets itself anew stays set.

use kernite_vdbe::Db;
use kernite_vdbe::machine::ChangeKind;

/// What a trace callback is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceEvent<'a> {
    /// A statement starts to run; its text.
    Statement(&'a str),
    /// A statement has ended; its text and how long it took, in nanoseconds.
    Profile(&'a str, u64),
    /// A row is returned.
    Row,
    /// The connection closes.
    Close,
}

/// A row that was changed, as the update hook is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateEvent<'a> {
    pub kind: ChangeKind,
    pub database: &'a str,
    pub table: &'a str,
    /// Rowid after the change (before it, for DELETE).
    pub rowid: i64,
}

type CommitHook = Box<dyn FnMut() -> bool + Send>;
type RollbackHook = Box<dyn FnMut() + Send>;
type UpdateHook = Box<dyn FnMut(&UpdateEvent<'_>) + Send>;
type WalHook = Box<dyn FnMut(Db, &str, u32) -> i32 + Send>;
type ProgressHandler = Box<dyn FnMut() -> bool + Send>;
type TraceHook = Box<dyn FnMut(&TraceEvent<'_>) + Send>;

/// The hooks of a connection.
#[derive(Default)]
pub struct Hooks {
    /// Called before a transaction with changes commits; `true` turns the commit into a rollback.
    pub commit: Option<CommitHook>,
    /// Called when a transaction was rolled back.
    pub rollback: Option<RollbackHook>,
    /// Called when a row of a rowid table was changed.
    pub update: Option<UpdateHook>,
    /// Called after a commit in WAL mode with the number of frames in the WAL; gives a result code.
    pub wal: Option<WalHook>,
    /// Called every so many instructions; `true` interrupts.
    pub progress: Option<ProgressHandler>,
    /// Called about statements.
    pub trace: Option<TraceHook>,
}
