//! All built-in functions: name, number of arguments, properties, code. Sorted by name for the look-up.
//!
//! The properties are those that `PRAGMA function_list` of SQLite shows, and those that its planner uses.

use std::borrow::Cow;

use kernite_btree::Encoding;

use super::extreme::Extreme;
use super::group_concat::GroupConcat;
use super::json::{self, Change, Form, function as of_json};
use super::sum::{Sum, SumKind};
use super::window::{ByProgram, LastValue, NthValue, Ntile, Rank, RankKind};
use super::{connection, datetime, like, logic, numeric, printf, quote, text};
use crate::Step;
use crate::function::{Accumulator, Call, FunctionBody, FunctionDef, FunctionFlags as F};

/// The same arguments give the same result.
const PURE: u32 = F::CONSTANT;
/// Compiled to instructions; the code here is for callers that have all arguments at hand.
const INLINE: u32 = F::CONSTANT | F::INLINE;
/// Constant within a statement.
const SLOW: u32 = F::SLOW_CHANGE;
/// May be computed beforehand unless `now` is among the arguments.
const DATE: u32 = F::SLOW_CHANGE | F::CONSTANT;

/// Takes and gives values marked as JSON.
const JSON: u32 = F::CONSTANT | F::SUBTYPE | F::RESULT_SUBTYPE;

type Scalar = fn(&mut Call<'_>) -> Step<()>;

const fn define(name: &'static str, arguments: i8, flags: u32, body: FunctionBody) -> FunctionDef {
    // Nothing built in does harm in a schema but what is only allowed in direct statements.
    let harmless = if flags & F::DIRECT_ONLY == 0 { F::INNOCUOUS } else { 0 };
    let flags = F(flags | F::BUILTIN | harmless);
    FunctionDef { name: Cow::Borrowed(name), arguments, encoding: Encoding::Utf8, flags, body }
}

const fn f(name: &'static str, arguments: i8, flags: u32, body: Scalar) -> FunctionDef {
    define(name, arguments, flags, FunctionBody::Scalar(body))
}

/// An aggregate, also over windows.
const fn a(name: &'static str, arguments: i8, flags: u32, start: fn() -> Accumulator) -> FunctionDef {
    define(name, arguments, flags | F::WINDOW, FunctionBody::Aggregate(start))
}

/// A function over windows only.
const fn w(name: &'static str, arguments: i8, start: fn() -> Accumulator) -> FunctionDef {
    define(name, arguments, F::WINDOW | F::WINDOW_ONLY, FunctionBody::Aggregate(start))
}

fn rank(kind: RankKind) -> Accumulator {
    Accumulator::State(Box::new(Rank::new(kind)))
}

fn by_program() -> Accumulator {
    Accumulator::State(Box::new(ByProgram))
}

fn group_concat() -> Accumulator {
    Accumulator::State(Box::<GroupConcat>::default())
}

/// What `match(…)` is until a virtual table overloads it.
pub static MATCH: FunctionDef = f("match", 2, 0, connection::match_without_table);

/// `like` under `PRAGMA case_sensitive_like`, with two and three arguments.
pub static CASE_SENSITIVE_LIKE: [FunctionDef; 2] = [
    f("like", 2, PURE | F::LIKE | F::CASE_SENSITIVE, like::like_case),
    f("like", 3, PURE | F::LIKE | F::CASE_SENSITIVE, like::like_case),
];

/// The functions, sorted by name.
pub static BUILTINS: &[FunctionDef] = &[
    f("->", 2, PURE, |call| of_json::arrow(call, true)),
    f("->>", 2, PURE, |call| of_json::arrow(call, false)),
    f("abs", 1, PURE, numeric::abs),
    f("acos", 1, PURE, |call| numeric::of_one(call, f64::acos)),
    f("acosh", 1, PURE, |call| numeric::of_one(call, numeric::acosh)),
    f("asin", 1, PURE, |call| numeric::of_one(call, f64::asin)),
    f("asinh", 1, PURE, |call| numeric::of_one(call, numeric::asinh)),
    f("atan", 1, PURE, |call| numeric::of_one(call, f64::atan)),
    f("atan2", 2, PURE, |call| numeric::of_two(call, f64::atan2)),
    f("atanh", 1, PURE, |call| numeric::of_one(call, numeric::atanh)),
    a("avg", 1, F::ORDERED, || Accumulator::Sum(Sum::new(SumKind::Average))),
    f("ceil", 1, PURE, |call| numeric::to_whole(call, f64::ceil)),
    f("ceiling", 1, PURE, |call| numeric::to_whole(call, f64::ceil)),
    f("changes", 0, 0, connection::changes),
    f("char", -1, PURE, text::char),
    f("coalesce", -4, INLINE, logic::coalesce),
    f("concat", -3, PURE, text::concat),
    f("concat_ws", -4, PURE, text::concat_ws),
    f("cos", 1, PURE, |call| numeric::of_one(call, f64::cos)),
    f("cosh", 1, PURE, |call| numeric::of_one(call, f64::cosh)),
    a("count", 0, F::COUNT, || Accumulator::Count(0)),
    a("count", 1, 0, || Accumulator::Count(0)),
    w("cume_dist", 0, || rank(RankKind::CumeDist)),
    f("current_date", 0, SLOW, datetime::date),
    f("current_time", 0, SLOW, datetime::time),
    f("current_timestamp", 0, SLOW, datetime::datetime),
    f("date", -1, DATE, datetime::date),
    f("datetime", -1, DATE, datetime::datetime),
    f("degrees", 1, PURE, |call| numeric::of_one(call, |x| x * (180.0 / std::f64::consts::PI))),
    w("dense_rank", 0, || rank(RankKind::DenseRank)),
    f("exp", 1, PURE, |call| numeric::of_one(call, f64::exp)),
    w("first_value", 1, || Accumulator::State(Box::new(NthValue::first()))),
    f("floor", 1, PURE, |call| numeric::to_whole(call, f64::floor)),
    f("format", -1, PURE, printf::printf),
    f("glob", 2, PURE | F::LIKE | F::CASE_SENSITIVE, like::glob),
    a("group_concat", 1, F::ORDERED, group_concat),
    a("group_concat", 2, F::ORDERED, group_concat),
    f("hex", 1, PURE, quote::hex),
    f("if", -4, INLINE, logic::iif),
    f("ifnull", 2, INLINE, logic::coalesce),
    f("iif", -4, INLINE, logic::iif),
    f("instr", 2, PURE, text::instr),
    f("json", 1, PURE, |call| of_json::remove(call, Form::Text)),
    f("json_array", -1, JSON, |call| of_json::array(call, Form::Text)),
    f("json_array_insert", -1, JSON, |call| {
        of_json::edit(call, Change::ArrayInsert, "array_insert", Form::Text)
    }),
    f("json_array_length", 1, PURE, of_json::array_length),
    f("json_array_length", 2, PURE, of_json::array_length),
    f("json_error_position", 1, PURE, of_json::error_position),
    f("json_extract", -1, PURE, |call| of_json::extract(call, Form::Text)),
    a("json_group_array", 1, F::ORDERED | JSON, || json::array_group(Form::Text)),
    a("json_group_object", 2, F::ORDERED | JSON, || json::object_group(Form::Text)),
    f("json_insert", -1, JSON, |call| of_json::edit(call, Change::Insert, "insert", Form::Text)),
    f("json_object", -1, JSON, |call| of_json::object(call, Form::Text)),
    f("json_patch", 2, PURE, |call| of_json::patch(call, Form::Text)),
    f("json_pretty", 1, PURE, of_json::pretty),
    f("json_pretty", 2, PURE, of_json::pretty),
    f("json_quote", 1, JSON, of_json::quote),
    f("json_remove", -1, PURE, |call| of_json::remove(call, Form::Text)),
    f("json_replace", -1, JSON, |call| of_json::edit(call, Change::Replace, "replace", Form::Text)),
    f("json_set", -1, JSON, |call| of_json::edit(call, Change::Set, "set", Form::Text)),
    f("json_type", 1, PURE, of_json::type_of),
    f("json_type", 2, PURE, of_json::type_of),
    f("json_valid", 1, PURE, of_json::valid),
    f("json_valid", 2, PURE, of_json::valid),
    f("jsonb", 1, PURE, |call| of_json::remove(call, Form::Jsonb)),
    f("jsonb_array", -1, JSON, |call| of_json::array(call, Form::Jsonb)),
    f("jsonb_array_insert", -1, JSON, |call| {
        of_json::edit(call, Change::ArrayInsert, "array_insert", Form::Jsonb)
    }),
    f("jsonb_extract", -1, PURE, |call| of_json::extract(call, Form::Jsonb)),
    a("jsonb_group_array", 1, F::ORDERED | JSON, || json::array_group(Form::Jsonb)),
    a("jsonb_group_object", 2, F::ORDERED | JSON, || json::object_group(Form::Jsonb)),
    f("jsonb_insert", -1, JSON, |call| of_json::edit(call, Change::Insert, "insert", Form::Jsonb)),
    f("jsonb_object", -1, JSON, |call| of_json::object(call, Form::Jsonb)),
    f("jsonb_patch", 2, PURE, |call| of_json::patch(call, Form::Jsonb)),
    f("jsonb_remove", -1, PURE, |call| of_json::remove(call, Form::Jsonb)),
    f("jsonb_replace", -1, JSON, |call| of_json::edit(call, Change::Replace, "replace", Form::Jsonb)),
    f("jsonb_set", -1, JSON, |call| of_json::edit(call, Change::Set, "set", Form::Jsonb)),
    f("julianday", -1, DATE, datetime::julianday),
    w("lag", 1, by_program),
    w("lag", 2, by_program),
    w("lag", 3, by_program),
    f("last_insert_rowid", 0, 0, connection::last_insert_rowid),
    w("last_value", 1, || Accumulator::State(Box::<LastValue>::default())),
    w("lead", 1, by_program),
    w("lead", 2, by_program),
    w("lead", 3, by_program),
    f("length", 1, PURE | F::LENGTH, text::length),
    f("like", 2, PURE | F::LIKE, like::like),
    f("like", 3, PURE | F::LIKE, like::like),
    f("likelihood", 2, INLINE, logic::identity),
    f("likely", 1, INLINE, logic::identity),
    f("ln", 1, PURE, |call| numeric::log_of_one(call, f64::ln)),
    f("load_extension", 1, F::DIRECT_ONLY, connection::load_extension),
    f("load_extension", 2, F::DIRECT_ONLY, connection::load_extension),
    f("log", 1, PURE, |call| numeric::log_of_one(call, f64::log10)),
    f("log", 2, PURE, numeric::log_of_two),
    f("log10", 1, PURE, |call| numeric::log_of_one(call, f64::log10)),
    f("log2", 1, PURE, |call| numeric::log_of_one(call, f64::log2)),
    f("lower", 1, PURE, text::lower),
    f("ltrim", 1, PURE, text::ltrim),
    f("ltrim", 2, PURE, text::ltrim),
    f("max", -3, PURE | F::NEEDS_COLLATION, logic::max),
    a("max", 1, F::MIN_MAX | F::NEEDS_COLLATION, || Accumulator::Extreme(Box::new(Extreme::max()))),
    f("min", -3, PURE | F::NEEDS_COLLATION, logic::min),
    a("min", 1, F::MIN_MAX | F::NEEDS_COLLATION, || Accumulator::Extreme(Box::new(Extreme::min()))),
    f("mod", 2, PURE, |call| numeric::of_two(call, |x, y| x % y)),
    w("nth_value", 2, || Accumulator::State(Box::<NthValue>::default())),
    w("ntile", 1, || Accumulator::State(Box::<Ntile>::default())),
    f("nullif", 2, PURE | F::NEEDS_COLLATION, logic::null_if),
    f("octet_length", 1, PURE | F::BYTE_LENGTH, text::octet_length),
    w("percent_rank", 0, || rank(RankKind::PercentRank)),
    f("pi", 0, PURE, numeric::pi),
    f("pow", 2, PURE, |call| numeric::of_two(call, f64::powf)),
    f("power", 2, PURE, |call| numeric::of_two(call, f64::powf)),
    f("printf", -1, PURE, printf::printf),
    f("quote", 1, PURE, quote::quote),
    f("radians", 1, PURE, |call| numeric::of_one(call, |x| x * (std::f64::consts::PI / 180.0))),
    f("random", 0, 0, logic::random),
    f("randomblob", 1, 0, logic::randomblob),
    w("rank", 0, || rank(RankKind::Rank)),
    f("replace", 3, PURE, text::replace),
    f("round", 1, PURE, numeric::round),
    f("round", 2, PURE, numeric::round),
    w("row_number", 0, || rank(RankKind::RowNumber)),
    f("rtrim", 1, PURE, text::rtrim),
    f("rtrim", 2, PURE, text::rtrim),
    f("sign", 1, PURE, numeric::sign),
    f("sin", 1, PURE, |call| numeric::of_one(call, f64::sin)),
    f("sinh", 1, PURE, |call| numeric::of_one(call, f64::sinh)),
    f("soundex", 1, PURE, text::soundex),
    f("sqlite_compileoption_get", 1, SLOW, connection::compile_option_get),
    f("sqlite_compileoption_used", 1, SLOW, connection::compile_option_used),
    f("sqlite_log", 2, F::DIRECT_ONLY, connection::log),
    f("sqlite_offset", 1, INLINE | F::OFFSET, connection::offset),
    f("sqlite_source_id", 0, SLOW, connection::source_id),
    f("sqlite_version", 0, SLOW, connection::version),
    f("sqrt", 1, PURE, |call| numeric::of_one(call, f64::sqrt)),
    f("strftime", -1, DATE, datetime::strftime),
    a("string_agg", 2, F::ORDERED, group_concat),
    f("substr", 2, PURE, text::substr),
    f("substr", 3, PURE, text::substr),
    f("substring", 2, PURE, text::substr),
    f("substring", 3, PURE, text::substr),
    f("subtype", 1, PURE | F::TYPEOF | F::SUBTYPE, logic::subtype),
    a("sum", 1, F::ORDERED, || Accumulator::Sum(Sum::new(SumKind::Sum))),
    f("tan", 1, PURE, |call| numeric::of_one(call, f64::tan)),
    f("tanh", 1, PURE, |call| numeric::of_one(call, f64::tanh)),
    f("time", -1, DATE, datetime::time),
    f("timediff", 2, DATE, datetime::timediff),
    a("total", 1, F::ORDERED, || Accumulator::Sum(Sum::new(SumKind::Total))),
    f("total_changes", 0, 0, connection::total_changes),
    f("trim", 1, PURE, text::trim),
    f("trim", 2, PURE, text::trim),
    f("trunc", 1, PURE, |call| numeric::to_whole(call, f64::trunc)),
    f("typeof", 1, PURE | F::TYPEOF, logic::type_of),
    f("unhex", 1, PURE, quote::unhex),
    f("unhex", 2, PURE, quote::unhex),
    f("unicode", 1, PURE, text::unicode),
    f("unistr", 1, PURE, quote::unistr),
    f("unistr_quote", 1, PURE, quote::unistr_quote),
    f("unixepoch", -1, DATE, datetime::unixepoch),
    f("unlikely", 1, INLINE, logic::identity),
    f("upper", 1, PURE, text::upper),
    f("zeroblob", 1, PURE, logic::zeroblob),
];

/// The built-in functions of a lower-case name.
pub fn named(name: &str) -> &'static [FunctionDef] {
    let start = BUILTINS.partition_point(|function| &*function.name < name);
    let count = BUILTINS[start..].iter().take_while(|function| function.name == name).count();
    &BUILTINS[start..start + count]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_each_function_once() {
        let keys: Vec<_> = BUILTINS
            .iter()
            .map(|function| (&*function.name, function.is_aggregate(), function.arguments))
            .collect();
        for pair in keys.windows(2) {
            assert!(pair[0].0 <= pair[1].0, "{pair:?}");
        }
        let mut unique = keys.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), keys.len());
    }

    #[test]
    fn names_are_found() {
        assert_eq!(named("substr").len(), 2);
        assert_eq!(named("abs").len(), 1);
        assert_eq!(named("zeroblob").len(), 1);
        assert!(named("").is_empty() && named("abss").is_empty() && named("zz").is_empty());
    }
}
