//! EXPLAIN and EXPLAIN QUERY PLAN as people read them: a listing with its loops indented, a tree.

use std::io::{self, Write};

/// One instruction of EXPLAIN: addr, opcode, p1, p2, p3, p4, p5, comment.
pub struct Instruction {
    pub fields: [String; 8],
}

impl Instruction {
    fn number(&self, field: usize) -> i64 {
        self.fields[field].parse().unwrap_or(0)
    }

    fn opcode(&self) -> &str {
        &self.fields[1]
    }
}

/// Titles of EXPLAIN's columns and the widths that they are given.
const COLUMNS: [(&str, usize); 8] =
    [("addr", 4), ("opcode", 13), ("p1", 4), ("p2", 4), ("p3", 4), ("p4", 13), ("p5", 2), ("comment", 13)];

/// Opcodes that end a loop by jumping back to its start, p2.
const LOOP_ENDS: [&str; 6] = ["Next", "Prev", "VPrev", "VNext", "SorterNext", "Return"];
/// Opcodes that a Goto jumps back to when it ends a loop.
const LOOP_STARTS: [&str; 5] = ["Yield", "SeekLT", "SeekGT", "RowSetRead", "Rewind"];

/// How far each instruction is indented: 2 for each loop around it.
fn indents(program: &[Instruction]) -> Vec<usize> {
    let mut indents = vec![0; program.len()];
    for (at, instruction) in program.iter().enumerate() {
        let Ok(start) = usize::try_from(instruction.number(3)) else { continue };
        if start >= at {
            continue;
        }
        let ends_loop = LOOP_ENDS.contains(&instruction.opcode())
            || (instruction.opcode() == "Goto"
                && (LOOP_STARTS.contains(&program[start].opcode()) || instruction.number(2) != 0));
        if ends_loop {
            for indent in &mut indents[start..at] {
                *indent += 2;
            }
        }
    }
    indents
}

/// Writes a program.
///
/// # Errors
/// What stops writing.
pub fn program(program: &[Instruction], out: &mut dyn Write) -> io::Result<()> {
    let titles = COLUMNS.map(|(title, width)| format!("{title:width$}"));
    writeln!(out, "{}", titles.join("  "))?;
    let rules = COLUMNS.map(|(_, width)| "-".repeat(width));
    writeln!(out, "{}", rules.join("  "))?;
    for (instruction, indent) in program.iter().zip(indents(program)) {
        let mut line = String::new();
        for (column, ((_, width), field)) in COLUMNS.iter().zip(&instruction.fields).enumerate() {
            match column {
                0 => line.push_str(&format!("{field:width$}")),
                1 => line.push_str(&format!("  {:indent$}{field:width$}", "")),
                7 => line.push_str(&format!("  {field}")),
                _ => line.push_str(&format!("  {field:width$}")),
            }
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// One line of EXPLAIN QUERY PLAN.
pub struct Node {
    pub id: i64,
    pub parent: i64,
    pub detail: String,
}

/// Writes a query plan as a tree. The plan of a trigger is a line of its own.
///
/// # Errors
/// What stops writing.
pub fn query_plan(nodes: &[Node], out: &mut dyn Write) -> io::Result<()> {
    if nodes.is_empty() {
        return Ok(());
    }
    let mut rest = nodes;
    let mut title = "QUERY PLAN";
    if let [first, behind @ ..] = rest
        && let Some(detail) = first.detail.strip_prefix('-')
    {
        title = detail.trim_start_matches(['-', ' ']);
        rest = behind;
    }
    writeln!(out, "{title}")?;
    children(rest, 0, &mut String::new(), out)
}

fn children(nodes: &[Node], parent: i64, lead: &mut String, out: &mut dyn Write) -> io::Result<()> {
    let mut own = nodes.iter().filter(|node| node.parent == parent).peekable();
    while let Some(node) = own.next() {
        let last = own.peek().is_none();
        writeln!(out, "{lead}{}{}", if last { "`--" } else { "|--" }, node.detail)?;
        // A node that names itself or an earlier one as its parent would never end.
        if node.id > parent {
            let length = lead.len();
            lead.push_str(if last { "   " } else { "|  " });
            children(nodes, node.id, lead, out)?;
            lead.truncate(length);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_drawn_as_a_tree() {
        let node = |id, parent, detail: &str| Node { id, parent, detail: detail.to_owned() };
        let nodes = [node(2, 0, "SCAN a"), node(5, 0, "LIST"), node(7, 5, "SCAN b"), node(9, 5, "SCAN c")];
        let mut out = Vec::new();
        query_plan(&nodes, &mut out).expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, "QUERY PLAN\n|--SCAN a\n`--LIST\n   |--SCAN b\n   `--SCAN c\n");
    }

    #[test]
    fn loops_are_indented() {
        let line = |opcode: &str, p2: i64| Instruction {
            fields: ["0", opcode, "0", &p2.to_string(), "0", "", "0", ""].map(str::to_owned),
        };
        let listing =
            [line("Init", 4), line("Rewind", 3), line("Column", 1), line("Next", 2), line("Goto", 0)];
        assert_eq!(indents(&listing), [0, 0, 2, 0, 0]);
    }
}
