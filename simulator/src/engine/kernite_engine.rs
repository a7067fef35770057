//! Kernite as an engine of the simulator.
//!
//! A statement that is to be thrown away in the middle is polled here, and not by the engine's own waiting.

use std::sync::Arc;

use kernite::connection::raw::{Connection, Statement};
use kernite::connection::{BusyHandler, OpenFlags};
use kernite_btree::ValueRef;
use kernite_io::Outstanding;

use super::{Engine, Manner, Patience, Rows, SqlError, Value};
use crate::decide::Kind;
use crate::process::Life;
use crate::trace::Call;
use crate::world::World;

/// One connection of Kernite.
pub struct KerniteEngine {
    connection: Connection,
    world: Arc<World>,
    process: usize,
}

/// What went wrong, where the engine does not say more.
type Told = Option<(i32, String)>;

/// How long a poll waits for something to land, in simulated nanoseconds.
const POLL_NS: u64 = 200_000;

/// Times that a fickle connection asks for a lock at most.
const FICKLE_MAX: u32 = 30;

fn value_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(text) => Value::Text(text.to_vec()),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    }
}

fn told(error: &dyn std::fmt::Display, code: i32) -> Told {
    Some((code, error.to_string()))
}

fn sleep(world: &World, process: usize, ns: u64) -> bool {
    let until = world.clock_ns() + ns;
    world.wait(process, &Outstanding::new(), Some(until), Call::Sleep).is_ok()
}

/// The busy handler of a connection that is as patient as chance has it.
fn fickle(life: &Life) -> BusyHandler {
    let (world, process, client) = (Arc::clone(&life.world), life.number, life.client);
    BusyHandler::Callback(Box::new(move |count| {
        count < FICKLE_MAX
            && world.choose(client, Kind::Abandon, 4) != 3
            && sleep(&world, process, 100_000 << count.min(5))
    }))
}

impl KerniteEngine {
    /// A connection of `life` to the file at `path`.
    pub fn open(life: &Life, path: &str, patience: Patience) -> Result<KerniteEngine, SqlError> {
        let opened = Connection::open(life.kernite(), path.as_bytes(), OpenFlags::default());
        let connection =
            opened.map_err(|error| SqlError { code: error.code(), message: error.to_string() })?;
        connection.set_busy_handler(match patience {
            Patience::NONE => BusyHandler::None,
            Patience::Timeout(busy_ms) => BusyHandler::Timeout(busy_ms),
            Patience::Fickle => fickle(life),
        });
        Ok(KerniteEngine { connection, world: Arc::clone(&life.world), process: life.number })
    }

    /// The next row. `Ok(None)`: thrown away while it waited.
    fn step(
        &self,
        statement: &mut Statement,
        manner: Manner,
        events: &mut u32,
    ) -> Result<Option<bool>, Told> {
        if matches!(manner, Manner::Whole | Manner::Rows(_)) {
            return statement.step().map(Some).map_err(|error| told(&error, error.code()));
        }
        loop {
            if let Some(found) = statement.poll_step().map_err(|error| told(&error, error.code()))? {
                return Ok(Some(found));
            }
            *events += 1;
            match manner {
                Manner::Waits(n) if *events >= n => return Ok(None),
                Manner::Interrupt(n) if *events == n => self.connection.interrupt_handle().interrupt(),
                _ => {}
            }
            if !sleep(&self.world, self.process, POLL_NS) {
                return Err(told(&"the process is dead", super::code::IOERR));
            }
        }
    }

    fn collect(&self, sql: &str, manner: Manner) -> Result<Option<Rows>, Told> {
        let (statement, _) =
            self.connection.prepare(sql.as_bytes()).map_err(|error| told(&error, error.code()))?;
        let Some(mut statement) = statement else { return Ok(Some(Rows::default())) };
        let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let names = statement.columns().iter().map(|column| name(&column.name)).collect();
        let (mut rows, mut events) = (Vec::new(), 0);
        loop {
            match self.step(&mut statement, manner, &mut events)? {
                None => return Ok(None),
                Some(false) => break,
                Some(true) => {}
            }
            rows.push(statement.row().iter().map(|register| value_of(register.value())).collect());
            events += 1;
            match manner {
                Manner::Rows(n) if rows.len() >= n as usize => return Ok(None),
                Manner::Interrupt(n) if events == n => self.connection.interrupt_handle().interrupt(),
                _ => {}
            }
        }
        let changes = if statement.is_read_only() { 0 } else { self.connection.changes() };
        Ok(Some(Rows { names, rows, changes, last_rowid: self.connection.last_insert_rowid() }))
    }
}

impl Engine for KerniteEngine {
    fn run_in(&mut self, sql: &str, manner: Manner) -> Result<Rows, SqlError> {
        match self.collect(sql, manner) {
            Ok(Some(rows)) => Ok(rows),
            Ok(None) => Err(SqlError::given_up()),
            Err(told) => {
                let known = self.connection.last_error().map(|(code, message, _)| (code, message));
                let (code, message) = known.or(told).unwrap_or((1, "an error without a message".into()));
                Err(SqlError { code, message })
            }
        }
    }

    fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }
}
