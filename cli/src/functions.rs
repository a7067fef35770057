//! SQL functions that only the shell has: reading and writing files, base64.

use kernite::types::{ToSqlOutput, Value};
use kernite::{Connection, Context, Error, FunctionFlags, Result, ToSql};

/// NULL or a value.
struct Answer(Value);

impl ToSql for Answer {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0.as_ref()))
    }
}

/// Registers them. In safe mode those that reach beyond the database only say that they must not.
///
/// # Errors
/// Those of registering.
pub fn register(db: &Connection, safe: bool) -> Result<()> {
    let direct = FunctionFlags::SQLITE_DIRECTONLY;
    let reaching: [(&'static str, i32, fn(&Context<'_>) -> Result<Answer>); 2] =
        [("readfile", 1, read_file), ("writefile", 2, write_file)];
    for (name, arguments, function) in reaching {
        db.create_scalar_function(name, arguments, direct, move |context: &Context<'_>| {
            if safe {
                return Err(Error::UserFunctionError(format!(
                    "cannot use the {name}() function in safe mode"
                )));
            }
            function(context)
        })?;
    }
    let pure = FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function("base64", 1, pure, base64)
}

fn read_file(context: &Context<'_>) -> Result<Answer> {
    Ok(Answer(match context.get::<Value>(0)? {
        // A file that cannot be read is NULL.
        Value::Text(name) => std::fs::read(name).map_or(Value::Null, Value::Blob),
        _ => Value::Null,
    }))
}

/// Gives the number of bytes, or NULL where they cannot be written.
fn write_file(context: &Context<'_>) -> Result<Answer> {
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
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A blob becomes text in lines of 72 characters, text becomes the blob that it stands for.
fn base64(context: &Context<'_>) -> Result<Answer> {
    Ok(Answer(match context.get::<Value>(0)? {
        Value::Null => Value::Null,
        Value::Blob(blob) => Value::Text(to_base64(&blob)),
        Value::Text(text) => Value::Blob(from_base64(text.as_bytes())),
        _ => return Err(Error::UserFunctionError("base64 accepts only blob or text".to_owned())),
    }))
}

fn to_base64(bytes: &[u8]) -> String {
    const LINE_BYTES: usize = 54;
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 8);
    for line in bytes.chunks(LINE_BYTES) {
        for group in line.chunks(3) {
            let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for digit in 0..4 {
                let code = (bits >> (18 - 6 * digit)) & 63;
                out.push(if digit <= group.len() { char::from(BASE64[code as usize]) } else { '=' });
            }
        }
        out.push('\n');
    }
    out
}

/// Characters that stand for nothing are passed over.
fn from_base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text {
        let Some(code) = BASE64.iter().position(|digit| digit == byte) else { continue };
        bits = bits << 6 | code as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_there_and_back() {
        assert_eq!(to_base64(b"digity-doo"), "ZGlnaXR5LWRvbw==\n");
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_base64(to_base64(&bytes).as_bytes()), bytes);
    }
}
