//! `.parameter`: values for the parameters of statements, kept in a temporary table.

use kernite::params_from_iter;

use super::{Call, help};
use crate::run::PARAMETER_TABLE;
use crate::shell::{Flow, Shown};

type Outcome = Result<Flow, Shown>;

fn make_table(call: &mut Call<'_, '_>) -> Result<(), Shown> {
    let db = call.db()?;
    // Its name is one of those that only the engine may give, so that it is in nobody's way.
    let before = db.raw().options();
    db.raw().change_options(|options| (options.writable_schema, options.defensive) = (true, false));
    let sql =
        format!("CREATE TABLE IF NOT EXISTS {PARAMETER_TABLE}(key TEXT PRIMARY KEY, value) WITHOUT ROWID;");
    let made = db.execute_batch(&sql);
    db.raw().change_options(|options| {
        (options.writable_schema, options.defensive) = (before.writable_schema, before.defensive);
    });
    call.sql(made)
}

/// `.parameter`
pub fn parameter(call: &mut Call<'_, '_>) -> Outcome {
    let word = |number| call.argument(number).map(str::to_owned);
    match (word(1).as_deref(), word(2), word(3), call.count()) {
        (Some("clear"), None, ..) => {
            let db = call.db()?;
            // Without the table there are no values to forget.
            let _ = db.execute_batch(&format!("DELETE FROM {PARAMETER_TABLE}"));
        }
        (Some("init"), None, ..) => make_table(call)?,
        (Some("list"), None, ..) => list(call)?,
        (Some("set"), Some(name), Some(value), 3) => set(call, &name, &value)?,
        (Some("unset"), Some(name), None, _) => {
            let db = call.db()?;
            let _ = db.execute(&format!("DELETE FROM {PARAMETER_TABLE} WHERE key=?1"), [name.as_str()]);
        }
        _ => {
            let text = help::full(call.command);
            call.shell.write(text.as_bytes())?;
        }
    }
    Ok(Flow::Continue)
}

fn list(call: &mut Call<'_, '_>) -> Result<(), Shown> {
    let db = call.db()?;
    let sql = format!("SELECT key, quote(value) FROM {PARAMETER_TABLE} ORDER BY key");
    let Ok(mut statement) = db.prepare(&sql) else { return Ok(()) };
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let rows = rows.and_then(Iterator::collect::<kernite::Result<Vec<_>>>);
    let rows = call.sql(rows)?;
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in rows {
        call.shell.line(&format!("{name:width$} {value}"))?;
    }
    Ok(())
}

/// Sets a value: an SQL expression, or text where it is none.
fn set(call: &mut Call<'_, '_>, name: &str, value: &str) -> Result<(), Shown> {
    make_table(call)?;
    let db = call.db()?;
    let sql = format!("REPLACE INTO {PARAMETER_TABLE}(key, value) VALUES(?1, ");
    if let Ok(mut statement) = db.prepare(&format!("{sql}{value})"))
        && statement.parameter_count() == 1
    {
        let done = statement.execute([name]);
        call.sql(done)?;
        return Ok(());
    }
    let done = db.execute(&format!("{sql}?2)"), params_from_iter([name, value]));
    call.sql(done)?;
    Ok(())
}
