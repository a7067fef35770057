//! Evaluates function calls read from standard input, to be compared with SQLite's answers.
//!
//! ```text
//! line    name (tab value)*            aggregates: rows are separated by a field of just `;`
//! value   n | i<decimal> | r<16 hex digits> | t<hex> | j<hex> (text marked as JSON) | b<hex>
//! answer  a value, or E and the message
//! ```
//!
//! With the argument `utf16` the database is taken to be UTF-16LE; text in lines and answers is UTF-8 all the same.

use std::io::{BufRead, Write};
use std::sync::Arc;

use kernite_btree::encoding::convert;
use kernite_btree::{Collation, Encoding, ValueRef};
use kernite_io::{Instant, SharedIo, WallTime};
use kernite_vdbe::function::registry::{FunctionLookup, FunctionRegistry};
use kernite_vdbe::function::{AggregateCall, AggregateContext, AuxData, Call, FunctionBody, Purity};
use kernite_vdbe::host::{ConnectionState, Host, HostCall, SchemaOp, Storage};
use kernite_vdbe::op::{Db, SavepointAction};
use kernite_vdbe::vtab::Table;
use kernite_vdbe::{Error, Register, Step};

/// A host whose clock stands still.
#[derive(Default)]
struct Still {
    state: ConnectionState,
}

impl Host for Still {
    fn now(&mut self) -> WallTime {
        WallTime(1_700_000_000_123)
    }
    fn monotonic(&self) -> Instant {
        Instant(0)
    }
    fn fill_random(&mut self, out: &mut [u8]) {
        out.fill(7);
    }
    fn local_offset(&self, _: WallTime) -> Option<i64> {
        Some(0)
    }
    fn io(&self) -> &SharedIo {
        unimplemented!("functions do no I/O")
    }
    fn sort_memory_bytes(&self) -> usize {
        0
    }
    fn limit(&self, limit: u8) -> i32 {
        if limit == 8 { 50_000 } else { 1_000_000_000 }
    }
    fn state(&self) -> &ConnectionState {
        &self.state
    }
    fn state_mut(&mut self) -> &mut ConnectionState {
        &mut self.state
    }
    fn commit(&mut self, _: &mut Storage) -> Step<()> {
        Ok(Some(()))
    }
    fn rollback(&mut self, _: &mut Storage) -> Step<()> {
        Ok(Some(()))
    }
    fn vtab_savepoint(&mut self, _: SavepointAction, _: usize) -> Result<(), Error> {
        Ok(())
    }
    fn rolled_back_to_savepoint(&mut self, _: &mut Storage) -> Step<()> {
        Ok(Some(()))
    }
    fn schema_is_current(&self, _: Db, _: u32) -> bool {
        true
    }
    fn schema_is_stale(&mut self, _: Db) {}
    fn schema_changed(&mut self, _: Db, _: u32) {}
    fn schema_op(&mut self, _: &mut Storage, _: SchemaOp<'_>) -> Step<()> {
        Ok(Some(()))
    }
    fn expire_statements(&mut self, _: bool) {}
    fn call(
        &mut self,
        _: &mut Storage,
        _: HostCall<'_>,
        _: Db,
        _: &[Register],
        _: &mut Register,
    ) -> Step<()> {
        Ok(Some(()))
    }
    fn vtab(&mut self, _: Db, _: &str) -> Result<Arc<dyn Table>, Error> {
        Err(Error::message("no virtual tables"))
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn value(text: &str, encoding: Encoding) -> Register {
    let mut register = Register::null();
    match text.split_at(1) {
        ("i", number) => register.set_integer(number.parse().unwrap()),
        ("r", bits) => register.set_real(f64::from_bits(u64::from_str_radix(bits, 16).unwrap())),
        ("t" | "j", hex) => {
            let mut narrow = Vec::new();
            convert(&bytes(hex), Encoding::Utf8, encoding, &mut narrow);
            register.set_text(&narrow);
            if text.starts_with('j') {
                register.set_subtype(b'J');
            }
        }
        ("b", hex) => register.set_blob(&bytes(hex)),
        _ => {}
    }
    register
}

fn show(register: &mut Register, encoding: Encoding) -> String {
    register.expand_zeros();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match register.value() {
        ValueRef::Null => "n".into(),
        ValueRef::Integer(number) => format!("i{number}"),
        ValueRef::Real(number) => format!("r{:016x}", number.to_bits()),
        ValueRef::Text(text) => {
            let mut narrow = Vec::new();
            convert(text, encoding, Encoding::Utf8, &mut narrow);
            format!("t{}", hex(&narrow))
        }
        ValueRef::Blob(blob) => format!("b{}", hex(blob)),
    }
}

fn evaluate(
    registry: &FunctionRegistry,
    aux: &mut AuxData,
    line: &str,
    encoding: Encoding,
) -> Result<Register, Error> {
    let mut fields = line.split('\t');
    let name = fields.next().unwrap_or_default();
    let rows: Vec<Vec<Register>> = {
        let fields: Vec<&str> = fields.collect();
        fields
            .split(|field| *field == ";")
            .map(|row| row.iter().map(|text| value(text, encoding)).collect())
            .collect()
    };
    let function = match registry.find(name.as_bytes(), rows[0].len()) {
        FunctionLookup::Found(function) => function,
        FunctionLookup::WrongArgumentCount => {
            return Err(Error::message(format!("wrong number of arguments to function {name}()")));
        }
        FunctionLookup::Unknown => return Err(Error::message(format!("no such function: {name}"))),
    };
    let mut result = Register::null();
    let (collation, length_max) = (&Collation::Binary, 1_000_000_000);
    match &function.body {
        FunctionBody::Scalar(body) => {
            body(&mut Call {
                function: &function,
                arguments: &rows[0],
                result: &mut result,
                encoding,
                collation,
                auxdata: aux,
                constant_mask: if name == "like" { 1 } else { 0 },
                host: &mut Still::default(),
                length_max,
                purity: Purity::Any,
            })?;
        }
        FunctionBody::Aggregate(start) => {
            let mut state = start();
            let context = AggregateContext { encoding, collation, length_max };
            for row in &rows {
                state.step(&mut AggregateCall { arguments: row, context, new_extreme: false })?;
            }
            state.finish(&mut result, &context)?;
        }
        _ => return Err(Error::message("not built in")),
    }
    Ok(result)
}

fn main() {
    let encoding =
        if std::env::args().any(|argument| argument == "utf16") { Encoding::Utf16Le } else { Encoding::Utf8 };
    let registry = FunctionRegistry::new(encoding);
    let mut aux = AuxData::default();
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        match evaluate(&registry, &mut aux, &line, encoding) {
            Ok(mut result) => writeln!(out, "{}", show(&mut result, encoding)).unwrap(),
            Err(error) => writeln!(out, "E{}", error.to_string().replace('\n', "\\n")).unwrap(),
        }
    }
}
