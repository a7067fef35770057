//! SQL functions that only the shell has: reading and writing files.

use kernite::types::{ToSqlOutput, Value};
use kernite::{Connection, FunctionFlags, Result, ToSql};

/// NULL or a value.
struct Answer(Value);

impl ToSql for Answer {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0.as_ref()))
    }
}

/// Registers them. In safe mode there are none: they reach beyond the database.
///
/// # Errors
/// Those of registering.
pub fn register(db: &Connection, safe: bool) -> Result<()> {
    if safe {
        return Ok(());
    }
    db.create_scalar_function("readfile", 1, FunctionFlags::SQLITE_DIRECTONLY, |context| {
        let name = match context.get::<Value>(0)? {
            Value::Text(name) => name,
            _ => return Ok(Answer(Value::Null)),
        };
        // A file that cannot be read is NULL.
        Ok(Answer(std::fs::read(name).map_or(Value::Null, Value::Blob)))
    })?;
    db.create_scalar_function("writefile", 2, FunctionFlags::SQLITE_DIRECTONLY, |context| {
        let name = context.get::<String>(0)?;
        let content = match context.get::<Value>(1)? {
            Value::Null => Vec::new(),
            Value::Text(text) => text.into_bytes(),
            Value::Blob(blob) => blob,
            Value::Integer(number) => number.to_string().into_bytes(),
            Value::Real(number) => {
                let mut text = Vec::new();
                kernite::text::push_real(number, &mut text);
                text
            }
        };
        let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
        Ok(Answer(std::fs::write(name, content).map_or(Value::Null, |()| Value::Integer(size))))
    })
}
