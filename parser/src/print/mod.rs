//! From tree to text, for tests and tools.
//!
//! The text parses to the same tree, and printing that gives the same text: so a test can compare trees, whose spans
//! always differ. Keywords are in upper case, every alias has its AS, and parentheses stand only where precedence asks
//! for them. Names, types and module arguments are printed as they were typed, as the grammar takes them where they stood.
//!
//! Never: the text that SQLite stores or shows. Schema entries, column names and messages are slices of what the user typed.

mod change;
mod expr;
mod schema;
mod select;

use crate::ast::{Ast, List, Name, NameId, QualifiedName, Statement, Stored, TransactionMode};
use crate::{Explain, Parsed};

/// Stack left below which printing goes on on a new one, and the size of that, in bytes.
const STACK: (usize, usize) = (128 << 10, 1 << 20);

/// The statement as SQL, without a semicolon. Bytes, as literals need not be UTF-8.
pub fn print(parsed: &Parsed) -> Vec<u8> {
    let mut printer = Printer { ast: &parsed.ast, out: Vec::new() };
    match parsed.explain {
        Explain::No => {}
        Explain::Program => printer.word("EXPLAIN"),
        Explain::QueryPlan => printer.word("EXPLAIN QUERY PLAN"),
    }
    printer.statement(&parsed.statement);
    printer.out
}

struct Printer<'a> {
    ast: &'a Ast,
    out: Vec<u8>,
}

impl<'a> Printer<'a> {
    /// Bytes as they are.
    fn raw(&mut self, bytes: impl AsRef<[u8]>) {
        self.out.extend_from_slice(bytes.as_ref());
    }

    /// A space, unless one stands there or nothing that needs it.
    fn space(&mut self) {
        if !matches!(self.out.last(), None | Some(b' ' | b'(')) {
            self.out.push(b' ');
        }
    }

    /// Words with a space before them.
    fn word(&mut self, bytes: impl AsRef<[u8]>) {
        self.space();
        self.raw(bytes);
    }

    /// The words, if the flag is set.
    fn flag(&mut self, set: bool, words: &str) {
        if set {
            self.word(words);
        }
    }

    fn open(&mut self) {
        self.word("(");
    }

    fn close(&mut self) {
        self.raw(")");
    }

    /// Items with commas between them.
    fn list<T>(&mut self, items: &[T], print: impl Fn(&mut Self, &T)) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.raw(",");
            }
            print(self, item);
        }
    }

    /// The items of a list of the tree, with commas between them.
    fn nodes<T: Stored + 'a>(&mut self, list: List<T>, print: impl Fn(&mut Self, &T)) {
        let ast: &'a Ast = self.ast;
        self.list(ast.list(list), print);
    }

    fn name(&mut self, name: NameId) {
        let ast = self.ast;
        self.word(ast.source(ast[name].source));
    }

    fn optional_name(&mut self, before: &str, name: Option<NameId>) {
        if let Some(name) = name {
            self.flag(!before.is_empty(), before);
            self.name(name);
        }
    }

    fn names(&mut self, names: List<Name>) {
        let ast = self.ast;
        self.nodes(names, |p, name| p.word(ast.source(name.source)));
    }

    /// Names in parentheses, or nothing.
    fn optional_names(&mut self, names: List<Name>) {
        if !names.is_empty() {
            self.open();
            self.names(names);
            self.close();
        }
    }

    fn qualified(&mut self, name: QualifiedName) {
        if let Some(schema) = name.schema {
            self.name(schema);
            self.raw(".");
            let ast = self.ast;
            return self.raw(ast.source(ast[name.name].source));
        }
        self.name(name.name);
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Select(select) => self.select(*select),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::CreateTable(table) => self.create_table(table),
            Statement::CreateIndex(index) => self.create_index(index),
            Statement::CreateView(view) => self.create_view(view),
            Statement::CreateTrigger(trigger) => self.create_trigger(trigger),
            Statement::CreateVirtualTable(table) => self.create_virtual_table(table),
            Statement::Drop(drop) => self.drop_statement(drop),
            Statement::AlterTable(alter) => self.alter(alter),
            Statement::Pragma(pragma) => self.pragma(pragma),
            Statement::Attach(attach) => {
                self.word("ATTACH DATABASE");
                self.expr(attach.file);
                self.word("AS");
                self.expr(attach.schema);
                if let Some(key) = attach.key {
                    self.word("KEY");
                    self.expr(key);
                }
            }
            Statement::Detach(schema) => {
                self.word("DETACH DATABASE");
                self.expr(*schema);
            }
            Statement::Analyze(name) => self.maintenance("ANALYZE", *name),
            Statement::Reindex(name) => self.maintenance("REINDEX", *name),
            Statement::Vacuum(vacuum) => {
                self.word("VACUUM");
                self.optional_name("", vacuum.schema);
                if let Some(into) = vacuum.into {
                    self.word("INTO");
                    self.expr(into);
                }
            }
            Statement::Begin(TransactionMode::Deferred) => self.word("BEGIN"),
            Statement::Begin(TransactionMode::Immediate) => self.word("BEGIN IMMEDIATE"),
            Statement::Begin(TransactionMode::Exclusive) => self.word("BEGIN EXCLUSIVE"),
            Statement::Commit => self.word("COMMIT"),
            Statement::Rollback => self.word("ROLLBACK"),
            Statement::Savepoint(name) => self.optional_name("SAVEPOINT", Some(*name)),
            Statement::Release(name) => self.optional_name("RELEASE SAVEPOINT", Some(*name)),
            Statement::RollbackTo(name) => self.optional_name("ROLLBACK TO SAVEPOINT", Some(*name)),
        }
    }

    fn maintenance(&mut self, word: &str, name: Option<QualifiedName>) {
        self.word(word);
        if let Some(name) = name {
            self.qualified(name);
        }
    }

    fn pragma(&mut self, pragma: &crate::ast::Pragma) {
        self.word("PRAGMA");
        self.qualified(pragma.name);
        let Some(value) = pragma.value else { return };
        let ast = self.ast;
        self.word(if value.parentheses { "(" } else { "=" });
        self.word(if value.negative { "-" } else { "" });
        self.raw(ast.source(value.source));
        self.raw(if value.parentheses { ")" } else { "" });
    }
}
