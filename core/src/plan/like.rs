//! LIKE and GLOB with a literal prefix are ranges: `x LIKE 'abc%'` is `x >= 'ABC' AND x < 'abd'` among text.

use kernite_vdbe::value::parse;

use super::analyze::{analyze_term, transfer_join};
use super::clause::{ClauseId, term_flag};
use super::where_loop::WhereLoop;
use crate::bound::{AFFINITY_TEXT, BinaryOp, ExprId, ExprKind};
use crate::catalog::TableKind;
use crate::codegen::expr::like_wildcards;
use crate::compile::{CompileResult, Compiler};

/// The literal beginning of a pattern.
struct Prefix {
    text: Vec<u8>,
    /// Nothing but `%` (or `*`) stands behind it: the range is the whole condition.
    complete: bool,
    no_case: bool,
}

/// Adds the range terms of a LIKE or GLOB.
pub fn derive_like(
    c: &mut Compiler<'_>,
    w: &mut WhereLoop,
    clause: ClauseId,
    at: usize,
    expr: ExprId,
) -> CompileResult<()> {
    let ExprKind::Function(ref call) = c.bound[expr].kind else { return Ok(()) };
    let Some(&operand) = call.arguments.get(1) else { return Ok(()) };
    let Some(prefix) = find_prefix(c, expr) else { return Ok(()) };
    let Prefix { text, mut complete, no_case } = prefix;
    let (mut low, mut high) = (text.clone(), text);
    if no_case {
        w.clauses[clause.0].terms[at].flags |= term_flag::LIKE;
        low.make_ascii_uppercase();
        high.make_ascii_lowercase();
    }
    if let Some(last) = high.last_mut() {
        if no_case {
            // '@' is before 'A': its successor folds to 'a', and the range would hold too much.
            if *last == b'A' - 1 {
                complete = false;
            }
            *last = last.to_ascii_lowercase();
        }
        let mut end = high.len() - 1;
        while high[end] == 0xbf && end > 0 {
            high[end] = 0x80;
            end -= 1;
        }
        high[end] = high[end].wrapping_add(1);
    }
    let collation: &[u8] = if no_case { b"NOCASE" } else { b"BINARY" };
    let mut derived = [0; 2];
    for (place, (op, bound)) in [(BinaryOp::Ge, low), (BinaryOp::Lt, high)].into_iter().enumerate() {
        let left = c.copy_expr(operand);
        let left = c.bound.collate(left, collation);
        let right = c.bound.expr(ExprKind::Text(bound.into()));
        let term = c.bound.binary(op, left, right);
        transfer_join(c, term, expr);
        derived[place] = w.add_term(c, clause, term, term_flag::LIKE_BOUND | term_flag::VIRTUAL);
    }
    for new in derived {
        analyze_term(c, w, clause, new)?;
    }
    if complete {
        for new in derived {
            w.mark_child(clause, new, at);
        }
    }
    Ok(())
}

fn find_prefix(c: &Compiler<'_>, expr: ExprId) -> Option<Prefix> {
    let (wildcards, no_case) = like_wildcards(c, expr)?;
    let [all, one, set, escape] = wildcards;
    let ExprKind::Function(call) = &c.bound[expr].kind else { return None };
    let operand = call.arguments[1];
    let ExprKind::Text(pattern) = &c.bound[c.bound.skip_collate(call.arguments[0])].kind else { return None };
    let little_endian = c.options.encoding == kernite_btree::Encoding::Utf16Le;
    let byte = |at: usize| pattern.get(at).copied().unwrap_or(0);
    let mut end = 0;
    loop {
        let letter = byte(end);
        if letter == 0 || letter == all || letter == one || (set != 0 && letter == set) {
            break;
        }
        if letter == escape && escape != 0 && byte(end + 1) > 0 && byte(end + 1) < 0x80 {
            end += 2;
        } else if letter >= 0x80 {
            let mut next = end;
            let character = kernite_btree::encoding::next_utf8(pattern, &mut next);
            if letter == 0xff || character.is_none_or(|character| character == 0xfffd) || little_endian {
                break;
            }
            end = next;
        } else {
            end += 1;
        }
    }
    if end == 0 || (end == 1 && byte(0) == escape && escape != 0) {
        return None;
    }
    let complete = byte(end) == all && byte(end + 1) == 0 && !little_endian;
    let mut text = Vec::with_capacity(end);
    let mut at = 0;
    while at < end {
        if byte(at) == escape && escape != 0 {
            at += 1;
        }
        text.push(byte(at));
        at += 1;
    }
    let is_text_column = match &c.bound[operand].kind {
        ExprKind::Column { table, .. } => {
            c.bound.affinity(operand) == AFFINITY_TEXT
                && !table.as_ref().is_some_and(|table| matches!(table.kind, TableKind::Virtual { .. }))
        }
        _ => false,
    };
    // A column that may hold numbers is not ordered as its text would be: a prefix that looks like a number will not do.
    if !is_text_column && looks_numeric(&mut text) {
        return None;
    }
    Some(Prefix { text, complete, no_case })
}

/// Whether the prefix, or the text that ends the range, is a number.
fn looks_numeric(text: &mut [u8]) -> bool {
    if is_number(text) || text == b"-" {
        return true;
    }
    let Some(last) = text.len().checked_sub(1) else { return false };
    text[last] = text[last].wrapping_add(1);
    let numeric = is_number(text);
    text[last] = text[last].wrapping_sub(1);
    numeric
}

fn is_number(text: &[u8]) -> bool {
    let parsed = parse::real(text);
    parsed.any && parsed.whole
}
