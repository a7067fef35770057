//! A user's own SQL: a schema file and a file of transactions, of which each client runs one after the other, chosen at random.
//!
//! Statements between BEGIN and COMMIT are one transaction; a statement outside is one by itself.
//! Never: statements that give something else each time (`random()`, the clock): the model could not follow them.

use super::{Begin, Chooser, Plan, Workload};

/// What begins a transaction, and with it the second part of a script in one text.
const BEGIN: &str = "BEGIN";

/// The workload of a user's files.
pub struct Script {
    schema: Vec<String>,
    transactions: Vec<Vec<String>>,
}

/// Splits SQL at the semicolons that end statements: not those in quotes, comments or trigger bodies.
pub fn split(sql: &str) -> Vec<String> {
    let (mut statements, mut start, mut at) = (Vec::new(), 0, 0);
    let bytes = sql.as_bytes();
    let until =
        |from: usize, end: &str| sql[from..].find(end).map_or(bytes.len(), |found| from + found + end.len());
    let mut push = |text: &str| {
        let text = text.trim();
        if !text.is_empty() {
            statements.push(text.to_string());
        }
    };
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => at = until(at + 1, &(quote as char).to_string()),
            b'[' => at = until(at, "]"),
            b'-' | b'/' if sql[at..].starts_with("--") || sql[at..].starts_with("/*") => {
                let is_before = sql[start..at].trim().is_empty();
                at = until(at, if bytes[at] == b'-' { "\n" } else { "*/" });
                if is_before {
                    start = at;
                }
            }
            b';' if is_whole(&sql[start..at]) => {
                push(&sql[start..at]);
                at += 1;
                start = at;
            }
            _ => at += 1,
        }
    }
    push(&sql[start..]);
    statements
}

/// A CREATE TRIGGER ends with END.
fn is_whole(statement: &str) -> bool {
    let words = statement.to_ascii_uppercase();
    let mut words = words.split_whitespace();
    let is_trigger = words.next() == Some("CREATE") && words.by_ref().take(2).any(|word| word == "TRIGGER");
    !is_trigger || statement.trim_end().to_ascii_uppercase().ends_with("END")
}

impl Script {
    /// A workload of two texts.
    pub fn new(schema: &str, transactions: &str) -> Script {
        let mut grouped: Vec<Vec<String>> = Vec::new();
        let mut open: Option<Vec<String>> = None;
        for statement in split(transactions) {
            let first = statement.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            match (first.as_str(), &mut open) {
                ("BEGIN", None) => open = Some(Vec::new()),
                ("COMMIT" | "END", Some(_)) => grouped.extend(open.take()),
                (_, Some(statements)) => statements.push(statement),
                (_, None) => grouped.push(vec![statement]),
            }
        }
        grouped.extend(open);
        Script { schema: split(schema), transactions: grouped }
    }

    /// A workload of one text: what stands before its first BEGIN makes the tables.
    pub fn of_one(text: &str) -> Script {
        let begins = |statement: &String| statement.to_ascii_uppercase().starts_with(BEGIN);
        let statements = split(text);
        let at = statements.iter().position(begins).unwrap_or(statements.len());
        let (schema, transactions) = statements.split_at(at);
        Script::new(&schema.join(";\n"), &transactions.join(";\n"))
    }

    /// The transaction of that number as a plan.
    pub fn plan_of(&self, at: usize, chooser: &mut Chooser<'_>) -> Plan {
        let statements = self.transactions.get(at).cloned().unwrap_or_default();
        plan_of(statements, chooser)
    }
}

fn plan_of(statements: Vec<String>, chooser: &mut Chooser<'_>) -> Plan {
    let first_word = |sql: &String| sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    let reads = |sql: &String| matches!(first_word(sql).as_str(), "SELECT" | "VALUES" | "WITH" | "EXPLAIN");
    let is_alone =
        |sql: &String| matches!(first_word(sql).as_str(), "VACUUM" | "PRAGMA" | "ATTACH" | "DETACH");
    if statements.iter().any(is_alone) {
        return Plan::alone(statements);
    }
    if statements.iter().all(reads) {
        return Plan::read(statements);
    }
    let ticket_at = statements.len();
    let begin = chooser.pick(&[Begin::Immediate, Begin::Deferred]);
    Plan { begin, statements, ticket_at, rolls_back: false }
}

impl Workload for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn schema(&self) -> Vec<String> {
        self.schema.clone()
    }

    fn plan(&self, chooser: &mut Chooser<'_>) -> Plan {
        let at = chooser.below(self.transactions.len() as u64) as usize;
        self.plan_of(at, chooser)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_outside_quotes_and_triggers() {
        let sql = "CREATE TABLE a(b); INSERT INTO a VALUES(';'); -- x;\n\
                   CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; SELECT 1; END; SELECT 1";
        let statements = split(sql);
        assert_eq!(statements.len(), 4, "{statements:?}");
        assert!(statements[2].ends_with("END"));
    }

    #[test]
    fn a_file_of_transactions_is_grouped_by_begin_and_commit() {
        let script = Script::new("", "BEGIN; UPDATE a SET b=1; UPDATE a SET b=2; COMMIT; SELECT 1;");
        assert_eq!(script.transactions.len(), 2);
        assert_eq!(script.transactions[0].len(), 2);
    }
}
