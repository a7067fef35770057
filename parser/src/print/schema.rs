//! Statements that change the schema.

use super::Printer;
use crate::ast::{
    AlterAction, AlterTable, Check, ColumnConstraint, ColumnConstraintKind, ColumnDef, CreateIndex,
    CreateTable, CreateTrigger, CreateView, CreateVirtualTable, DefaultForm, Drop, DropKind, ForeignKey,
    ForeignKeyAction, QualifiedName, TableBody, TableConstraint, TableConstraintKind, TriggerEvent,
    TriggerStepKind, TriggerTime,
};

impl Printer<'_> {
    fn create(&mut self, temporary: bool, what: &str, if_not_exists: bool, name: QualifiedName) {
        self.word("CREATE");
        self.flag(temporary, "TEMP");
        self.word(what);
        self.flag(if_not_exists, "IF NOT EXISTS");
        self.qualified(name);
    }

    pub(super) fn create_table(&mut self, table: &CreateTable) {
        self.create(table.temporary, "TABLE", table.if_not_exists, table.name);
        match table.body {
            TableBody::Select(select) => {
                self.word("AS");
                self.select(select);
            }
            TableBody::Columns { columns, constraints, options, .. } => {
                self.open();
                self.nodes(columns, |p, column| p.column(column));
                let ast = self.ast;
                for constraint in ast.list(constraints) {
                    self.table_constraint(constraint);
                }
                self.close();
                self.flag(options.without_rowid, "WITHOUT ROWID");
                self.raw(if options.without_rowid && options.strict { "," } else { "" });
                self.flag(options.strict, "STRICT");
            }
        }
    }

    fn column(&mut self, column: &ColumnDef) {
        let ast = self.ast;
        self.name(column.name);
        if let Some(type_name) = column.type_name {
            self.word(ast.source(type_name.source));
        }
        for constraint in ast.list(column.constraints) {
            self.column_constraint(constraint);
        }
    }

    fn column_constraint(&mut self, constraint: &ColumnConstraint) {
        use ColumnConstraintKind as Kind;
        match &constraint.kind {
            Kind::Name(name) => self.optional_name("CONSTRAINT", Some(*name)),
            Kind::Null(conflict) => {
                self.word("NULL");
                self.conflict("ON CONFLICT", *conflict);
            }
            Kind::NotNull(conflict) => {
                self.word("NOT NULL");
                self.conflict("ON CONFLICT", *conflict);
            }
            Kind::PrimaryKey { order, conflict, autoincrement } => {
                self.word("PRIMARY KEY");
                self.sort_order(*order);
                self.conflict("ON CONFLICT", *conflict);
                self.flag(*autoincrement, "AUTOINCREMENT");
            }
            Kind::Unique(conflict) => {
                self.word("UNIQUE");
                self.conflict("ON CONFLICT", *conflict);
            }
            Kind::Check(check) => self.check(check),
            Kind::Default { value, form, .. } => {
                self.word("DEFAULT");
                match form {
                    DefaultForm::Plus => self.word("+"),
                    DefaultForm::Parentheses => self.open(),
                    DefaultForm::Literal | DefaultForm::Minus | DefaultForm::Identifier => {}
                }
                self.expr(*value);
                if *form == DefaultForm::Parentheses {
                    self.close();
                }
            }
            Kind::References(key) => self.references(key),
            Kind::Deferrable(deferred) => self.deferrable(*deferred),
            Kind::Collate(name) => self.optional_name("COLLATE", Some(*name)),
            Kind::Generated { expr, kind } => {
                self.word("AS");
                self.open();
                self.expr(*expr);
                self.close();
                self.optional_name("", *kind);
            }
        }
    }

    fn check(&mut self, check: &Check) {
        self.word("CHECK");
        self.open();
        self.expr(check.expr);
        self.close();
    }

    fn deferrable(&mut self, deferred: bool) {
        self.word(if deferred { "DEFERRABLE INITIALLY DEFERRED" } else { "NOT DEFERRABLE" });
    }

    fn references(&mut self, key: &ForeignKey) {
        self.optional_name("REFERENCES", Some(key.table));
        self.optional_names(key.parent_columns);
        for (event, action) in [("ON DELETE", key.on_delete), ("ON UPDATE", key.on_update)] {
            let action = match action {
                ForeignKeyAction::NoAction => continue,
                ForeignKeyAction::Restrict => "RESTRICT",
                ForeignKeyAction::SetNull => "SET NULL",
                ForeignKeyAction::SetDefault => "SET DEFAULT",
                ForeignKeyAction::Cascade => "CASCADE",
            };
            self.word(event);
            self.word(action);
        }
    }

    fn table_constraint(&mut self, constraint: &TableConstraint) {
        use TableConstraintKind as Kind;
        self.raw(if constraint.comma { "," } else { "" });
        match &constraint.kind {
            Kind::Name(name) => self.optional_name("CONSTRAINT", Some(*name)),
            Kind::PrimaryKey { columns, autoincrement, conflict } => {
                self.word("PRIMARY KEY");
                self.open();
                self.order_terms(*columns);
                self.flag(*autoincrement, "AUTOINCREMENT");
                self.close();
                self.conflict("ON CONFLICT", *conflict);
            }
            Kind::Unique { columns, conflict } => {
                self.word("UNIQUE");
                self.open();
                self.order_terms(*columns);
                self.close();
                self.conflict("ON CONFLICT", *conflict);
            }
            Kind::Check { check, conflict } => {
                self.check(check);
                self.conflict("ON CONFLICT", *conflict);
            }
            Kind::ForeignKey { key, deferrable } => {
                self.word("FOREIGN KEY");
                self.optional_names(key.columns);
                self.references(key);
                if let Some(deferred) = deferrable {
                    self.deferrable(*deferred);
                }
            }
        }
    }

    pub(super) fn create_index(&mut self, index: &CreateIndex) {
        let what = if index.unique { "UNIQUE INDEX" } else { "INDEX" };
        self.create(false, what, index.if_not_exists, index.name);
        self.optional_name("ON", Some(index.table));
        self.open();
        self.order_terms(index.columns);
        self.close();
        self.filter(index.filter);
    }

    pub(super) fn create_view(&mut self, view: &CreateView) {
        self.create(view.temporary, "VIEW", view.if_not_exists, view.name);
        self.optional_names(view.columns);
        self.word("AS");
        self.select(view.select);
    }

    pub(super) fn create_trigger(&mut self, trigger: &CreateTrigger) {
        self.create(trigger.temporary, "TRIGGER", trigger.if_not_exists, trigger.name);
        self.word(match trigger.time {
            TriggerTime::Before => "BEFORE",
            TriggerTime::After => "AFTER",
            TriggerTime::InsteadOf => "INSTEAD OF",
        });
        self.word(match trigger.event {
            TriggerEvent::Delete => "DELETE",
            TriggerEvent::Insert => "INSERT",
            TriggerEvent::Update => "UPDATE",
        });
        if !trigger.columns.is_empty() {
            self.word("OF");
            self.names(trigger.columns);
        }
        self.word("ON");
        self.qualified(trigger.table);
        if let Some(condition) = trigger.condition {
            self.word("WHEN");
            self.expr(condition);
        }
        self.word("BEGIN");
        let ast = self.ast;
        for step in ast.list(trigger.steps) {
            match &step.kind {
                TriggerStepKind::Select(select) => self.select(*select),
                TriggerStepKind::Insert(insert) => self.insert(insert),
                TriggerStepKind::Update(update) => self.update(update),
                TriggerStepKind::Delete(delete) => self.delete(delete),
            }
            self.raw(";");
        }
        self.word("END");
    }

    pub(super) fn create_virtual_table(&mut self, table: &CreateVirtualTable) {
        self.create(false, "VIRTUAL TABLE", table.if_not_exists, table.name);
        self.optional_name("USING", Some(table.module));
        if !table.arguments.is_empty() {
            let ast = self.ast;
            self.open();
            self.nodes(table.arguments, |p, &argument| p.word(ast.source(argument)));
            self.close();
        }
    }

    pub(super) fn drop_statement(&mut self, drop: &Drop) {
        self.word(match drop.kind {
            DropKind::Table => "DROP TABLE",
            DropKind::Index => "DROP INDEX",
            DropKind::View => "DROP VIEW",
            DropKind::Trigger => "DROP TRIGGER",
        });
        self.flag(drop.if_exists, "IF EXISTS");
        self.qualified(drop.name);
    }

    pub(super) fn alter(&mut self, alter: &AlterTable) {
        self.word("ALTER TABLE");
        self.qualified(alter.table);
        match &alter.action {
            AlterAction::RenameTable(to) => self.optional_name("RENAME TO", Some(*to)),
            AlterAction::RenameColumn { from, to } => {
                self.optional_name("RENAME COLUMN", Some(*from));
                self.optional_name("TO", Some(*to));
            }
            AlterAction::AddColumn(column) => {
                self.word("ADD COLUMN");
                self.column(column);
            }
            AlterAction::DropColumn(column) => self.optional_name("DROP COLUMN", Some(*column)),
            AlterAction::DropConstraint(name) => self.optional_name("DROP CONSTRAINT", Some(*name)),
            AlterAction::DropNotNull(column) => {
                self.optional_name("ALTER COLUMN", Some(*column));
                self.word("DROP NOT NULL");
            }
            AlterAction::SetNotNull { column, conflict, .. } => {
                self.optional_name("ALTER COLUMN", Some(*column));
                self.word("SET NOT NULL");
                self.conflict("ON CONFLICT", *conflict);
            }
            AlterAction::AddCheck { name, check, conflict, .. } => {
                self.word("ADD");
                self.optional_name("CONSTRAINT", *name);
                self.check(check);
                self.conflict("ON CONFLICT", *conflict);
            }
        }
    }
}
