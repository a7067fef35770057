//! INSERT, UPDATE, DELETE.

use super::Printer;
use crate::ast::{
    Assignment, Conflict, Delete, Insert, InsertSource, List, ResultColumn, Target, Update, UpsertAction,
};

impl Printer<'_> {
    fn target(&mut self, target: &Target) {
        self.qualified(target.name);
        self.optional_name("AS", target.alias);
    }

    pub(super) fn conflict(&mut self, before: &str, conflict: Option<Conflict>) {
        let Some(conflict) = conflict else { return };
        self.word(before);
        self.word(match conflict {
            Conflict::Rollback => "ROLLBACK",
            Conflict::Abort => "ABORT",
            Conflict::Fail => "FAIL",
            Conflict::Ignore => "IGNORE",
            Conflict::Replace => "REPLACE",
        });
    }

    fn returning(&mut self, columns: List<ResultColumn>) {
        if !columns.is_empty() {
            self.word("RETURNING");
            self.result_columns(columns);
        }
    }

    fn assignments(&mut self, set: List<Assignment>) {
        self.word("SET");
        self.nodes(set, |p, assignment| {
            if assignment.vector {
                p.optional_names(assignment.columns);
            } else {
                p.names(assignment.columns);
            }
            p.word("=");
            p.expr(assignment.value);
        });
    }

    pub(super) fn insert(&mut self, insert: &Insert) {
        self.with(insert.with);
        self.word("INSERT");
        self.conflict("OR", insert.conflict);
        self.word("INTO");
        self.target(&insert.target);
        self.optional_names(insert.columns);
        match insert.source {
            InsertSource::Select(select) => self.select(select),
            InsertSource::DefaultValues => self.word("DEFAULT VALUES"),
        }
        let ast = self.ast;
        for upsert in ast.list(insert.upserts) {
            self.word("ON CONFLICT");
            if !upsert.target.is_empty() {
                self.open();
                self.order_terms(upsert.target);
                self.close();
                self.filter(upsert.target_filter);
            }
            match upsert.action {
                UpsertAction::Nothing => self.word("DO NOTHING"),
                UpsertAction::Update { set, filter } => {
                    self.word("DO UPDATE");
                    self.assignments(set);
                    self.filter(filter);
                }
            }
        }
        self.returning(insert.returning);
    }

    pub(super) fn update(&mut self, update: &Update) {
        self.with(update.with);
        self.word("UPDATE");
        self.conflict("OR", update.conflict);
        self.target(&update.target);
        self.indexed(update.indexed);
        self.assignments(update.set);
        self.from(update.from);
        self.filter(update.filter);
        self.returning(update.returning);
        self.order_by(update.order_by);
        self.limit(update.limit);
    }

    pub(super) fn delete(&mut self, delete: &Delete) {
        self.with(delete.with);
        self.word("DELETE FROM");
        self.target(&delete.target);
        self.indexed(delete.indexed);
        self.filter(delete.filter);
        self.returning(delete.returning);
        self.order_by(delete.order_by);
        self.limit(delete.limit);
    }
}
