//! The table-valued functions `json_each` and `json_tree`, and their JSONB variants: a row for each element of a container, or for each
//! below it, too.
//!
//! The rows' `id` is where the element, label included, begins in the JSONB of the document.
//!
//! Spec: JSON Functions And Operators, "Table-valued functions for parsing JSON".

use std::any::Any;
use std::sync::Arc;

use kernite_btree::Encoding;

use super::function::{Form, give_element, is_container, parse_text};
use super::jsonb::{self, ARRAY, Element, OBJECT};
use super::path::{Miss, Place, lookup, search};
use super::{Fault, SUBTYPE};
use crate::Step;
use crate::error::Error;
use crate::function::builtin::search::before_nul;
use crate::function::call::{bytes_of, set_text, text_of};
use crate::register::{Register, Tag};
use crate::value::parse as numbers;
use crate::value::render;
use crate::vtab::{
    Connected, ConstraintOp, Context, IndexInfo, Module, Plan, Risk, Table, TableCursor, Usage,
};

const KEY: u16 = 0;
const VALUE: u16 = 1;
const TYPE: u16 = 2;
const ATOM: u16 = 3;
const ID: u16 = 4;
const PARENT: u16 = 5;
const FULLKEY: u16 = 6;
const PATH: u16 = 7;
/// The document, which is the first argument; the path is the second.
const JSON: u16 = 8;

const DECLARATION: &str =
    "CREATE TABLE x(key,value,type,atom,id,parent,fullkey,path,json HIDDEN,root HIDDEN)";

/// One of the four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonEach {
    /// All elements below, not only those of the outermost container.
    recursive: bool,
    /// What containers show as in the column `value`.
    form: Form,
}

/// The modules, by name.
pub const MODULES: [(&str, JsonEach); 4] = [
    ("json_each", JsonEach { recursive: false, form: Form::Text }),
    ("json_tree", JsonEach { recursive: true, form: Form::Text }),
    ("jsonb_each", JsonEach { recursive: false, form: Form::Jsonb }),
    ("jsonb_tree", JsonEach { recursive: true, form: Form::Jsonb }),
];

impl Module for JsonEach {
    fn create(&self, _: &[&[u8]], context: &mut Context<'_>) -> Step<Connected> {
        self.connect(&[], context)
    }

    fn connect(&self, _: &[&[u8]], _: &mut Context<'_>) -> Step<Connected> {
        Ok(Some(Connected {
            table: Arc::new(*self),
            declaration: DECLARATION.into(),
            risk: Risk::Innocuous,
            constraint_support: false,
        }))
    }

    fn is_eponymous(&self) -> bool {
        true
    }

    fn is_eponymous_only(&self) -> bool {
        true
    }
}

impl Table for JsonEach {
    fn runs_inline(&self) -> bool {
        true
    }

    /// A plan needs the document; with it, it is as cheap as can be.
    fn best_index(&self, info: &mut IndexInfo) -> Result<Plan, Error> {
        let mut usable = [None; 2];
        let mut unusable = [false; 2];
        for (at, constraint) in info.constraints.iter().enumerate() {
            let Some(argument) =
                usize::try_from(constraint.column - i32::from(JSON)).ok().filter(|&at| at < 2)
            else {
                continue;
            };
            if !constraint.usable {
                unusable[argument] = true;
            } else if constraint.op == ConstraintOp::EQ {
                usable[argument] = Some(at);
            }
        }
        info.order_by_consumed = matches!(info.order_by[..], [(..0, false), ..]);
        if unusable.iter().zip(usable).any(|(unusable, usable)| *unusable && usable.is_none()) {
            return Ok(Plan::Unusable);
        }
        info.usage.resize(info.constraints.len(), Usage::default());
        info.index_number = 0;
        if let Some(json) = usable[0] {
            info.estimated_cost = 1.0;
            info.usage[json] = Usage { argument: 1, omit: true, all_at_once: false };
            info.index_number = 1;
            if let Some(root) = usable[1] {
                info.usage[root] = Usage { argument: 2, omit: true, all_at_once: false };
                info.index_number = 3;
            }
        }
        Ok(Plan::Usable)
    }

    fn open(&self) -> Result<Box<dyn TableCursor>, Error> {
        Ok(Box::new(Cursor::new(*self)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A container that the present element lies in.
#[derive(Clone, Copy, Debug)]
struct Parent {
    /// Where it begins, label included.
    head: usize,
    /// Where it begins.
    value: usize,
    end: usize,
    /// Bytes of the path that leads to it.
    path_len: usize,
    /// Place of the present element, of arrays.
    key: i64,
}

/// A scan.
struct Cursor {
    table: JsonEach,
    /// The argument, for the column `json`.
    argument: Register,
    blob: Vec<u8>,
    /// The present element, label included.
    at: usize,
    /// Where the scan ends.
    end: usize,
    /// Kind of the container of the present element, 0 if it has none.
    kind: u8,
    parents: Vec<Parent>,
    /// Path to the innermost container.
    path: Vec<u8>,
    /// Bytes of the path that was asked for.
    root_len: usize,
    rowid: i64,
}

impl Cursor {
    fn new(table: JsonEach) -> Cursor {
        Cursor {
            table,
            argument: Register::null(),
            blob: Vec::new(),
            at: 0,
            end: 0,
            kind: 0,
            parents: Vec::new(),
            path: Vec::new(),
            root_len: 0,
            rowid: 0,
        }
    }

    /// Starts at the element that `root` leads to, the whole document by default.
    fn start(&mut self, root: Option<&[u8]>) -> Result<(), Error> {
        let (mut at, mut kind) = (0, 0);
        self.at = 0;
        self.path.extend_from_slice(root.unwrap_or(b"$"));
        if let Some(root) = root {
            let Some(steps) = root.strip_prefix(b"$") else { return Err(Miss::BadPath.error(root)) };
            if !steps.is_empty() {
                match search(&self.blob, steps).map(|found| found.place) {
                    Ok(Place::Element { at: found, label }) => {
                        at = found;
                        self.at = label.unwrap_or(found);
                        kind = if label.is_some() { OBJECT } else { ARRAY };
                    }
                    Ok(Place::Missing { .. }) | Err(Miss::NotFound) => return Ok(()),
                    Err(_) => return Err(Miss::BadPath.error(root)),
                }
            }
        }
        self.root_len = self.path.len();
        let element = Element::at(&self.blob, at).ok_or(Fault::Malformed)?;
        self.kind = kind;
        self.end = element.end;
        if is_container(element.kind) && !self.table.recursive {
            self.at = element.payload;
            self.kind = element.kind;
            self.parents.push(Parent { head: self.at, value: at, end: element.end, path_len: 0, key: 0 });
        }
        Ok(())
    }

    /// Where the present element's value begins: behind its label, if it has one.
    fn value_at(&self) -> usize {
        match Element::at(&self.blob, self.at) {
            Some(label) if self.kind == OBJECT && label.end < self.blob.len() => label.end,
            _ => self.at,
        }
    }

    /// Goes into the present element if it is a container, else to the next one, out of all containers that end here.
    fn advance_in_tree(&mut self) -> Result<(), Error> {
        let element = Element::at(&self.blob, self.value_at()).ok_or(Fault::Malformed)?;
        let mut level_changed = false;
        if is_container(element.kind) {
            let path_len = self.path.len();
            if self.kind != 0 && !self.parents.is_empty() {
                self.push_name();
            }
            self.parents.push(Parent {
                head: self.at,
                value: element.at,
                end: element.end,
                path_len,
                key: -1,
            });
            self.at = element.payload;
            level_changed = true;
        } else {
            self.at = element.end;
        }
        while let Some(parent) = self.parents.last().filter(|parent| self.at >= parent.end) {
            self.path.truncate(parent.path_len);
            self.parents.pop();
            level_changed = true;
        }
        if level_changed {
            self.kind = self.parents.last().map_or(0, |parent| self.blob[parent.value] & 15);
        }
        Ok(())
    }

    /// Appends the present element's step to the path.
    fn push_name(&mut self) {
        if self.kind == ARRAY {
            self.path.push(b'[');
            render::push_integer(self.parents.last().map_or(0, |parent| parent.key), &mut self.path);
            self.path.push(b']');
            return;
        }
        let Some(label) = Element::at(&self.blob, self.at) else { return };
        let name = label.bytes(&self.blob);
        let plain =
            name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(u8::is_ascii_alphanumeric);
        self.path.push(b'.');
        self.path.extend((!plain).then_some(b'"'));
        self.path.extend_from_slice(before_nul(name));
        self.path.extend((!plain).then_some(b'"'));
    }

    /// Bytes of the path to the present element's container: for the first row of a tree, the path that was asked for without its last step.
    fn container_path_len(&self) -> usize {
        let mut len = self.path.len();
        if self.rowid != 0 || !self.table.recursive || len < 2 {
            return len;
        }
        while len > 1 {
            len -= 1;
            if matches!(self.path[len], b'[' | b'.')
                && let Ok(at) = lookup(&self.blob, &self.path[1..len])
                && Element::at(&self.blob, at).is_some_and(|container| container.payload == self.at)
            {
                break;
            }
        }
        len
    }

    /// The key of an element that was asked for by its path: the path's last step.
    fn root_key(&self, encoding: Encoding, out: &mut Register) {
        let from = self.container_path_len();
        if self.root_len == 1 || from >= self.root_len {
            return;
        }
        match &self.path[from..self.root_len] {
            [b'[', number @ ..] => out.set_integer(numbers::integer(number).0),
            [_, b'"', label @ .., _] => set_text(out, label, encoding),
            [_, label @ ..] => set_text(out, label, encoding),
            [] => {}
        }
    }

    fn give(&mut self, column: u16, encoding: Encoding, out: &mut Register) -> Result<(), Error> {
        let value_at = self.value_at();
        let kind = self.blob.get(value_at).map_or(0, |first| first & 15);
        match (column, self.parents.last()) {
            (KEY, None) => self.root_key(encoding, out),
            (KEY, Some(_)) if self.kind == OBJECT => {
                give_element(&self.blob, self.at, Form::Text, encoding, out)?
            }
            (KEY, Some(parent)) => out.set_integer(parent.key),
            (VALUE, _) => {
                give_element(&self.blob, value_at, self.table.form, encoding, out)?;
                if is_container(kind) {
                    out.set_subtype(SUBTYPE);
                }
            }
            (TYPE, _) => set_text(out, jsonb::type_name(kind).as_bytes(), encoding),
            (ATOM, _) if !is_container(kind) => {
                give_element(&self.blob, value_at, Form::Text, encoding, out)?
            }
            (ID, _) => out.set_integer(self.at as i64),
            (PARENT, Some(parent)) if self.table.recursive => out.set_integer(parent.head as i64),
            (FULLKEY, parent) => {
                let len = self.path.len();
                if parent.is_some() {
                    self.push_name();
                }
                set_text(out, &self.path, encoding);
                self.path.truncate(len);
            }
            (PATH, _) => set_text(out, &self.path[..self.container_path_len()], encoding),
            (JSON, _) => out.copy_from(&self.argument),
            (ATOM | PARENT, _) => {}
            _ => set_text(out, &self.path[..self.root_len], encoding),
        }
        Ok(())
    }
}

impl TableCursor for Cursor {
    fn filter(
        &mut self,
        index_number: i32,
        _: Option<&[u8]>,
        arguments: &[Register],
        context: &mut Context<'_>,
    ) -> Step<()> {
        *self = Cursor::new(self.table);
        let Some(json) = arguments.first().filter(|json| index_number != 0 && !json.is_null()) else {
            return Ok(Some(()));
        };
        let bytes = bytes_of(json);
        if json.tag() == Tag::Blob && jsonb::looks_like_jsonb(&bytes) {
            self.blob = bytes.into_owned();
            self.argument.copy_from(json);
        } else {
            let text = text_of(json, context.encoding).unwrap_or_default();
            self.blob = parse_text(&text).map_err(|_| Error::from(Fault::Malformed))?.blob;
            set_text(&mut self.argument, before_nul(&text), context.encoding);
        }
        let root = match arguments.get(1).filter(|_| index_number == 3) {
            None => None,
            Some(root) => match text_of(root, context.encoding) {
                Some(root) => Some(root),
                None => return Ok(Some(())),
            },
        };
        self.start(root.as_deref().map(before_nul))?;
        Ok(Some(()))
    }

    fn next(&mut self, _: &mut Context<'_>) -> Step<()> {
        if self.table.recursive {
            self.advance_in_tree()?;
        } else {
            self.at = Element::at(&self.blob, self.value_at()).ok_or(Fault::Malformed)?.end;
        }
        if self.kind == ARRAY
            && let Some(parent) = self.parents.last_mut()
        {
            parent.key += 1;
        }
        self.rowid += 1;
        Ok(Some(()))
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.end
    }

    fn column(&mut self, column: u16, _: bool, out: &mut Register, context: &mut Context<'_>) -> Step<bool> {
        out.set_null();
        self.give(column, context.encoding, out)?;
        Ok(Some(true))
    }

    fn rowid(&mut self, _: &mut Context<'_>) -> Step<i64> {
        Ok(Some(self.rowid))
    }
}

#[cfg(test)]
mod tests {
    use kernite_btree::ValueRef;

    use super::*;

    /// `key|fullkey|path|atom` of all rows.
    fn rows(name: &str, json: &str, root: Option<&str>) -> Vec<String> {
        let (_, table) = MODULES.iter().find(|(known, _)| *known == name).unwrap();
        let mut cursor = Cursor::new(*table);
        let mut context = Context { sql: None, encoding: Encoding::Utf8 };
        let arguments: Vec<Register> = [Some(json), root]
            .into_iter()
            .flatten()
            .map(|text| {
                let mut register = Register::null();
                register.set_text(text.as_bytes());
                register
            })
            .collect();
        cursor.filter(if root.is_some() { 3 } else { 1 }, None, &arguments, &mut context).unwrap();
        let mut rows = Vec::new();
        while !cursor.is_at_end() {
            let mut shown = Vec::new();
            for column in [KEY, FULLKEY, PATH, ATOM] {
                let mut out = Register::null();
                cursor.column(column, false, &mut out, &mut context).unwrap();
                shown.push(match out.value() {
                    ValueRef::Null => String::new(),
                    _ => String::from_utf8(text_of(&out, Encoding::Utf8).unwrap().into_owned()).unwrap(),
                });
            }
            rows.push(shown.join("|"));
            cursor.next(&mut context).unwrap();
        }
        rows
    }

    #[test]
    fn rows_are_those_of_sqlite() {
        // Taken from SQLite 3.54.1.
        assert_eq!(rows("json_each", "{\"a\":1,\"b c\":[2]}", None), ["a|$.a|$|1", "b c|$.\"b c\"|$|"]);
        assert_eq!(
            rows("json_tree", "{\"a\":[1,{\"x\":2}]}", None),
            ["|$|$|", "a|$.a|$|", "0|$.a[0]|$.a|1", "1|$.a[1]|$.a|", "x|$.a[1].x|$.a[1]|2"]
        );
        assert_eq!(rows("json_tree", "{\"a\":[1,2]}", Some("$.a[0]")), ["0|$.a[0]|$.a|1"]);
        assert_eq!(rows("json_each", "5", None), ["|$|$|5"]);
        assert_eq!(rows("json_each", "[1]", Some("$.x")), [""; 0]);
    }
}
