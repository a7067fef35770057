//! Lines of EXPLAIN QUERY PLAN for the loops.

use std::fmt::Write;

use kernite_vdbe::op::Op;

use super::column;
use crate::catalog::Index;
use crate::compile::Compiler;
use crate::plan::where_loop::{Candidate, Source, WhereLoop, control, flag};

/// `SCAN t`, `SEARCH t USING INDEX i (a=?)`, …
pub fn explain_scan(c: &mut Compiler<'_>, w: &WhereLoop, level: usize, control: u32) {
    // A loop over the branches of an OR has a line of its own.
    if c.codegen.explain_plan && !w.chosen(level).has(flag::MULTI_OR) {
        let text = scan_text(w, level, control);
        c.explain_line(&text);
    }
}

/// Writes the line at `at` again, after the loop was changed.
pub fn explain_again(c: &mut Compiler<'_>, w: &WhereLoop, level: usize, at: kernite_vdbe::Addr) {
    if !c.codegen.explain_plan {
        return;
    }
    let line = scan_text(w, level, w.control);
    let line = c.builder.name(line.as_bytes());
    if let Op::Explain { text, .. } = c.builder.op_mut(at) {
        *text = line;
    }
}

fn scan_text(w: &WhereLoop, level: usize, control: u32) -> String {
    let candidate = w.chosen(level);
    let source = &w.sources[w.levels[level].source];
    let is_search = candidate.any(flag::BOTTOM_LIMIT | flag::TOP_LIMIT)
        || (!candidate.has(flag::VIRTUAL_TABLE) && candidate.equal > 0)
        || control & (control::ORDER_BY_MIN | control::ORDER_BY_MAX) != 0;
    let mut text = String::from(if is_search { "SEARCH " } else { "SCAN " });
    text.push_str(source.label());
    if source.from_exists {
        text.push_str(" EXISTS");
    }
    if candidate.has(flag::VIRTUAL_TABLE) {
        if let Some(plan) = &candidate.virtual_plan {
            let argument = String::from_utf8_lossy(plan.text.as_deref().unwrap_or_default());
            let _ = match plan.hexadecimal {
                true => write!(text, " VIRTUAL TABLE INDEX 0x{:x}:{argument}", plan.number),
                false => write!(text, " VIRTUAL TABLE INDEX {}:{argument}", plan.number),
            };
        }
    } else if candidate.has(flag::ROWID) {
        if candidate.any(flag::CONSTRAINT) {
            text.push_str(rowid_text(candidate));
        }
    } else if let Some(index) = &candidate.index {
        push_index(&mut text, source, candidate, index, is_search);
    }
    if source.join.left {
        text.push_str(" LEFT-JOIN");
    }
    text
}

fn rowid_text(candidate: &Candidate) -> &'static str {
    if candidate.any(flag::COLUMN_EQ | flag::COLUMN_IN) {
        " USING INTEGER PRIMARY KEY (rowid=?)"
    } else if candidate.has(flag::BOTH_LIMITS) {
        " USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    } else if candidate.has(flag::BOTTOM_LIMIT) {
        " USING INTEGER PRIMARY KEY (rowid>?)"
    } else {
        " USING INTEGER PRIMARY KEY (rowid<?)"
    }
}

fn push_index(text: &mut String, source: &Source, candidate: &Candidate, index: &Index, is_search: bool) {
    let name = String::from_utf8_lossy(&index.name);
    if !source.has_rowid() && column::is_primary_key(index) {
        if !is_search {
            return;
        }
        text.push_str(" USING PRIMARY KEY");
    } else if candidate.has(flag::PARTIAL_INDEX) {
        text.push_str(" USING AUTOMATIC PARTIAL COVERING INDEX");
    } else if candidate.has(flag::AUTO_INDEX) {
        text.push_str(" USING AUTOMATIC COVERING INDEX");
    } else if candidate.any(flag::INDEX_ONLY | flag::EXPR_INDEX) {
        let _ = write!(text, " USING COVERING INDEX {name}");
    } else {
        let _ = write!(text, " USING INDEX {name}");
    }
    push_range(text, source, candidate, index);
}

/// `(a=? AND b>?)`
fn push_range(text: &mut String, source: &Source, candidate: &Candidate, index: &Index) {
    if candidate.equal == 0 && !candidate.any(flag::BOTTOM_LIMIT | flag::TOP_LIMIT) {
        return;
    }
    text.push_str(" (");
    for at in 0..candidate.equal {
        if at > 0 {
            text.push_str(" AND ");
        }
        let name = column_name(source, index, at);
        let _ = match at >= candidate.skip {
            true => write!(text, "{name}=?"),
            false => write!(text, "ANY({name})"),
        };
    }
    let mut first = candidate.equal == 0;
    let bounds = [(flag::BOTTOM_LIMIT, candidate.bottom, '>'), (flag::TOP_LIMIT, candidate.top, '<')];
    for (limit, width, op) in bounds {
        if !candidate.has(limit) {
            continue;
        }
        if !first {
            text.push_str(" AND ");
        }
        first = false;
        let names: Vec<String> =
            (0..width).map(|at| column_name(source, index, candidate.equal + at)).collect();
        let marks = vec!["?"; width].join(",");
        let _ = match width {
            1 => write!(text, "{}{op}?", names[0]),
            _ => write!(text, "({}){op}({marks})", names.join(",")),
        };
    }
    text.push(')');
}

/// The name of an index column.
fn column_name(source: &Source, index: &Index, at: usize) -> String {
    match column::index_column(index, at) {
        column::EXPR => "<expr>".into(),
        column::ROWID => "rowid".into(),
        number => source_column(source, number as usize),
    }
}

fn source_column(source: &Source, at: usize) -> String {
    match source.table() {
        Some(table) => match table.columns.get(at) {
            Some(column) => String::from_utf8_lossy(&column.name).into_owned(),
            None => String::new(),
        },
        None => source.column_names.get(at).map(|name| name.to_string()).unwrap_or_default(),
    }
}

/// `BLOOM FILTER ON t (a=?)`
pub fn explain_bloom(c: &mut Compiler<'_>, w: &WhereLoop, level: usize) {
    if !c.codegen.explain_plan {
        return;
    }
    let candidate = w.chosen(level);
    let source = &w.sources[w.levels[level].source];
    let mut text = format!("BLOOM FILTER ON {} (", source.label());
    if candidate.has(flag::ROWID) {
        match source.table().and_then(|table| table.rowid_alias) {
            Some(alias) => {
                let _ = write!(text, "{}=?", source_column(source, alias));
            }
            None => text.push_str("rowid=?"),
        }
    } else if let Some(index) = &candidate.index {
        let names: Vec<String> = (candidate.skip..candidate.equal)
            .map(|at| format!("{}=?", column_name(source, index, at)))
            .collect();
        text.push_str(&names.join(" AND "));
    }
    text.push(')');
    c.explain_line(&text);
}
