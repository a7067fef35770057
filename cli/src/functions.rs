//! SQL functions that only the shell has: reading and writing files, base64, the parts of a real (`ieee754`); `generate_series`.

use std::sync::Arc;

use kernite::types::{ToSqlOutput, Value};
use kernite::{Connection, Context, Error, FunctionFlags, Result, ToSql};

use crate::series::Series;

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
    db.raw().register_module("generate_series", Arc::new(Series));
    reaching(db, safe, "readfile", 1, read_file)?;
    reaching(db, safe, "writefile", 2, write_file)?;
    let pure = FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function("base64", 1, pure, base64)?;
    db.create_scalar_function("ieee754", 1, pure, |context| {
        let (mantissa, exponent) = parts(context.get(0)?);
        Ok(format!("ieee754({mantissa},{exponent})"))
    })?;
    db.create_scalar_function("ieee754", 2, pure, |context| Ok(compose(context.get(0)?, context.get(1)?)))?;
    db.create_scalar_function("ieee754_mantissa", 1, pure, |context| Ok(parts(context.get(0)?).0))?;
    db.create_scalar_function("ieee754_exponent", 1, pure, |context| Ok(parts(context.get(0)?).1))?;
    db.create_scalar_function("ieee754_to_blob", 1, pure, |context| {
        Ok(context.get::<f64>(0)?.to_be_bytes().to_vec())
    })?;
    db.create_scalar_function("ieee754_from_blob", 1, pure, |context| {
        Ok(f64::from_be_bytes(context.get::<[u8; 8]>(0)?))
    })?;
    db.create_scalar_function("ieee754_to_int", 1, pure, |context| {
        Ok(context.get::<f64>(0)?.to_bits() as i64)
    })?;
    db.create_scalar_function("ieee754_from_int", 1, pure, |context| {
        Ok(f64::from_bits(context.get::<i64>(0)? as u64))
    })?;
    db.create_scalar_function("ieee754_inc", 2, pure, |context| {
        let bits = context.get::<f64>(0)?.to_bits() as i64;
        Ok(f64::from_bits(bits.wrapping_add(context.get::<i64>(1)?) as u64))
    })
}

/// Bits of a real's fraction.
const FRACTION_BITS: u32 = 52;
/// The exponent that a real's bits hold for the exponent 0 of an integer mantissa.
const EXPONENT_BIAS: i64 = 1075;

/// Mantissa and exponent of a real: `mantissa * 2^exponent`, the mantissa as small as it can be without an exponent above 0.
fn parts(number: f64) -> (i64, i64) {
    if number == 0.0 {
        return (0, -EXPONENT_BIAS);
    }
    let bits = number.to_bits();
    let mut exponent = ((bits >> FRACTION_BITS) & 0x7ff) as i64;
    let fraction = (bits & ((1 << FRACTION_BITS) - 1)) as i64;
    let mut mantissa = if exponent == 0 { fraction << 1 } else { fraction | 1 << FRACTION_BITS };
    while exponent < EXPONENT_BIAS && mantissa > 0 && mantissa & 1 == 0 {
        mantissa >>= 1;
        exponent += 1;
    }
    (if number < 0.0 { -mantissa } else { mantissa }, exponent - EXPONENT_BIAS)
}

/// `mantissa * 2^exponent`.
fn compose(mantissa: i64, exponent: i64) -> f64 {
    let mut number = mantissa as f64;
    // In steps that can neither overflow nor vanish before the product does.
    let mut rest = exponent.clamp(-3000, 3000);
    while rest != 0 {
        let step = rest.clamp(-512, 512);
        number *= 2f64.powi(step as i32);
        rest -= step;
    }
    number
}

/// Registers a function that reaches beyond the database.
fn reaching(
    db: &Connection,
    safe: bool,
    name: &'static str,
    arguments: i32,
    function: fn(&Context<'_>) -> Result<Answer>,
) -> Result<()> {
    db.create_scalar_function(
        name,
        arguments,
        FunctionFlags::SQLITE_DIRECTONLY,
        move |context: &Context<'_>| {
            if safe {
                return Err(Error::UserFunctionError(format!(
                    "cannot use the {name}() function in safe mode"
                )));
            }
            function(context)
        },
    )
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
    fn a_real_comes_apart_and_together() {
        assert_eq!(parts(47.49), (6683623321994527, -47));
        assert_eq!(parts(2.0), (2, 0));
        assert_eq!(parts(-45.25), (-181, -2));
        assert_eq!(parts(5e-324), (1, -1074));
        for number in [47.49, -1e300, 2.5e-310, 1.0, f64::MAX, f64::MIN_POSITIVE] {
            let (mantissa, exponent) = parts(number);
            assert_eq!(compose(mantissa, exponent), number);
        }
    }

    #[test]
    fn base64_goes_there_and_back() {
        assert_eq!(to_base64(b"digity-doo"), "ZGlnaXR5LWRvbw==\n");
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_base64(to_base64(&bytes).as_bytes()), bytes);
    }
}
