//! `.sha3sum`: a digest of what a database holds, whatever pages hold it.
//!
//! ```text
//! for each table, by name:  S<length>:<query>     the query that reads it
//!   for each row:           R
//!     for each value:       N | I<8 bytes> | F<8 bytes> | T<length>:<bytes> | B<length>:<bytes>
//! ```

use kernite::types::ValueRef;
use kernite::{Connection, Result as SqlResult};

use super::objects::literal;
use super::{Call, is_option};
use crate::keccak::Sha3;
use crate::shell::{Flow, Shown};

/// `.sha3sum`
pub fn sha3sum(call: &mut Call<'_, '_>) -> Result<Flow, Shown> {
    let (mut bits, mut schema, mut separate, mut pattern) = (224, false, false, None);
    for number in 1..=call.count() {
        let text = call.argument(number).unwrap_or_default().to_owned();
        if !text.starts_with('-') {
            if pattern.is_some() {
                return call.usage(".sha3sum ?OPTIONS? ?LIKE-PATTERN?");
            }
            separate = true;
            pattern = Some(text);
        } else if is_option(&text, "schema") {
            schema = true;
        } else if let Some(size) =
            [224, 256, 384, 512].into_iter().find(|size| is_option(&text, &format!("sha3-{size}")))
        {
            bits = size;
        } else {
            return call.shell.fail(&format!("Unknown option \"{text}\" on \"sha3sum\""));
        }
    }
    let db = call.db()?;
    let found = tables(&db, schema, pattern.as_deref());
    let mut whole = Sha3::new(bits);
    for table in call.sql(found)? {
        let mut own = Sha3::new(bits);
        let hashed = hash_table(&db, &table, if separate { &mut own } else { &mut whole });
        call.sql(hashed)?;
        if separate {
            call.shell.line(&format!("{}|{table}", own.finish()))?;
        }
    }
    if !separate {
        call.shell.line(&whole.finish())?;
    }
    Ok(Flow::Continue)
}

/// Names of the tables that are hashed, in the order in which they are.
fn tables(db: &Connection, schema: bool, pattern: Option<&str>) -> SqlResult<Vec<String>> {
    let mut sql =
        "SELECT lower(name) AS name FROM sqlite_schema WHERE type='table' AND coalesce(rootpage,0)>1"
            .to_owned();
    if !schema {
        sql.push_str(" AND name NOT LIKE 'sqlite__%'");
    } else {
        sql.push_str(" UNION ALL SELECT 'sqlite_schema'");
    }
    let condition =
        pattern.map_or_else(|| "true".to_owned(), |pattern| format!("name LIKE {}", literal(pattern)));
    let sql = format!("SELECT name FROM ({sql}) WHERE {condition} ORDER BY name COLLATE nocase");
    db.prepare(&sql)?.query_map([], |row| row.get::<_, String>(0))?.collect()
}

/// The query that reads a table in an order that does not depend on how it came about, where that matters.
fn query(table: &str) -> String {
    match table {
        "sqlite_schema" => "SELECT type,name,tbl_name,sql FROM sqlite_schema ORDER BY name;".to_owned(),
        "sqlite_sequence" => "SELECT name,seq FROM sqlite_sequence ORDER BY name;".to_owned(),
        "sqlite_stat1" => "SELECT tbl,idx,stat FROM sqlite_stat1 ORDER BY tbl,idx;".to_owned(),
        "sqlite_stat4" => "SELECT * FROM sqlite_stat4 ORDER BY tbl, idx, rowid;".to_owned(),
        table => format!("SELECT * FROM \"{}\" NOT INDEXED;", table.replace('"', "\"\"")),
    }
}

fn hash_table(db: &Connection, table: &str, hash: &mut Sha3) -> SqlResult<()> {
    let sql = query(table);
    let counted = |letter: char, bytes: &[u8], hash: &mut Sha3| {
        hash.update(format!("{letter}{}:", bytes.len()).as_bytes());
        hash.update(bytes);
    };
    counted('S', sql.as_bytes(), hash);
    let mut statement = db.prepare(&sql)?;
    let count = statement.column_count();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        hash.update(b"R");
        for column in 0..count {
            match row.get_ref(column)? {
                ValueRef::Null => hash.update(b"N"),
                ValueRef::Integer(number) => {
                    hash.update(b"I");
                    hash.update(&number.to_be_bytes());
                }
                ValueRef::Real(number) => {
                    hash.update(b"F");
                    hash.update(&number.to_be_bytes());
                }
                ValueRef::Text(text) => counted('T', text, hash),
                ValueRef::Blob(blob) => counted('B', blob, hash),
            }
        }
    }
    Ok(())
}
