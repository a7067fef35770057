//! WITH: common table expressions, and which of them a name in FROM means.
//!
//! A reference expands its own copy of the body, and all copies of one CTE share a [`CteUse`], so that the code generator may
//! materialise it once. A body that refers to itself in the right-hand terms of UNION or UNION ALL is recursive: the terms left of
//! those are expanded first, because they name the columns.
//!
//! Spec: The WITH Clause.

use std::sync::Arc;

use kernite_parser::ast::{self, Ast, CompoundOp, CoreBody, Materialized, SourceKind};
use kernite_vdbe::Error;

use super::{Env, Resolver};
use crate::bound::{CteUse, FromItem, FromSource, SelectId};
use crate::compile::{CompileResult, lossy};

/// A WITH clause that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithId(usize);

/// A WITH clause in force.
pub(super) struct With {
    env_ast: Arc<Ast>,
    from_schema: bool,
    fixed_database: Option<Arc<[u8]>>,
    ctes: Vec<Cte>,
    /// The clause around it.
    outer: Option<WithId>,
    /// The body of a view: what is outside does not count.
    is_view: bool,
}

struct Cte {
    definition: ast::Cte,
    /// What is wrong with a reference made now: the body is being expanded.
    forbidden: Option<&'static str>,
    /// Index into `Bound::ctes`.
    used: Option<u32>,
}

impl Resolver<'_, '_> {
    /// Opens a WITH clause inside the one in force.
    pub(super) fn push_with(&mut self, env: &Env, with: Option<ast::With>, is_view: bool) -> Option<WithId> {
        let ctes = with.map_or(&[][..], |with| env.ast.list(with.ctes));
        if ctes.is_empty() && !is_view {
            return self.compiler.names.with;
        }
        let ctes = ctes.iter().map(|&definition| Cte { definition, forbidden: None, used: None }).collect();
        let names = &mut self.compiler.names;
        names.withs.push(With {
            env_ast: Arc::clone(&env.ast),
            from_schema: env.from_schema,
            fixed_database: env.fixed_database.clone(),
            ctes,
            outer: names.with,
            is_view,
        });
        let id = WithId(names.withs.len() - 1);
        names.with = Some(id);
        Some(id)
    }

    fn find_cte(&self, name: &[u8]) -> Option<(WithId, usize)> {
        let mut next = self.compiler.names.with;
        while let Some(id) = next {
            let with = &self.compiler.names.withs[id.0];
            let found = with
                .ctes
                .iter()
                .position(|cte| with.env_ast.name(cte.definition.name).eq_ignore_ascii_case(name));
            if let Some(index) = found {
                return Some((id, index));
            }
            if with.is_view {
                return None;
            }
            next = with.outer;
        }
        None
    }

    /// If an unqualified name in FROM means a common table expression, expands its body behind the item.
    pub(super) fn expand_cte(
        &mut self,
        env: &Env,
        source: &ast::Source,
        item: &mut FromItem,
    ) -> CompileResult<bool> {
        let (SourceKind::Table { schema: None, name, .. } | SourceKind::Function { schema: None, name, .. }) =
            source.kind
        else {
            return Ok(false);
        };
        let Some((with, index)) = self.find_cte(env.ast.name(name)) else { return Ok(false) };
        let clause = &self.compiler.names.withs[with.0];
        let definition = clause.ctes[index].definition;
        let body_env = Env {
            ast: Arc::clone(&clause.env_ast),
            with: Some(with),
            from_schema: clause.from_schema,
            fixed_database: clause.fixed_database.clone(),
            nested: Default::default(),
        };
        let cte_name: Box<[u8]> = body_env.ast.name(definition.name).into();
        if let Some(text) = clause.ctes[index].forbidden {
            return Err(Error::message(format!("{text}: {}", lossy(&cte_name))));
        }
        if let SourceKind::Function { name, .. } = source.kind {
            return Err(super::from::not_a_function(env.ast.name(name)));
        }
        if let SourceKind::Table { indexed: ast::Indexed::By(index), .. } = source.kind {
            return Err(Error::message(format!("no such index: \"{}\"", lossy(env.ast.name(index)))));
        }
        let used = self.note_use(with, index, definition.materialized);
        let select = self.expand_body(&body_env, with, index, definition, item)?;
        item.source = FromSource::Subquery { select, cte: Some(used), view: None };
        Ok(true)
    }

    fn note_use(&mut self, with: WithId, index: usize, materialized: Materialized) -> u32 {
        let bound = &mut self.compiler.bound;
        let used = *self.compiler.names.withs[with.0].ctes[index].used.get_or_insert_with(|| {
            bound.ctes.push(CteUse { materialized, uses: 0 });
            (bound.ctes.len() - 1) as u32
        });
        bound.ctes[used as usize].uses += 1;
        used
    }

    fn expand_body(
        &mut self,
        env: &Env,
        with: WithId,
        index: usize,
        definition: ast::Cte,
        item: &FromItem,
    ) -> CompileResult<SelectId> {
        let name: Box<[u8]> = env.ast.name(definition.name).into();
        let recursive = recursive_cores(&env.ast, definition.select, &name)?;
        let recursive_cursor = (recursive > 0).then(|| self.compiler.builder.alloc_cursor());
        self.deeper(true)?;
        let saved = self.compiler.names.with.replace(with);
        let forbid = |this: &mut Self, text| this.compiler.names.withs[with.0].ctes[index].forbidden = text;
        forbid(self, Some("circular reference"));

        let body = self.begin_compound(env, definition.select, Vec::new())?;
        body.cores.iter().for_each(|&core| self.compiler.bound[core].flags.copy_of_cte = true);
        let outer_count = body.cores.len() - recursive;
        // The terms that set the recursion up, last of them first; all of them where there is no recursion.
        for core in (0..outer_count).rev() {
            self.expand_core(&body, core, None)?;
        }
        let first = body.cores[0];
        let given = env.ast.list(definition.columns);
        let count = self.compiler.names.pending.get(&first).map_or(0, |pending| pending.columns.len());
        if !given.is_empty() && given.len() != count {
            return Err(Error::message(format!(
                "table {} has {count} values for {} columns",
                lossy(&name),
                given.len()
            )));
        }
        let columns = if given.is_empty() {
            self.columns_of_core(first)?
        } else {
            let names = given.iter().map(|name| Some(env.ast.text(name.value).into())).collect();
            self.unique_columns(names, &[])
        };
        self.compiler.bound.set_columns(item.cursor, columns.clone());
        if let Some(cursor) = recursive_cursor {
            self.compiler.bound.set_columns(cursor, columns);
            self.compiler.names.recursive.push((cursor, item.cursor));
            forbid(self, Some("multiple recursive references"));
            let recursion = Recursion { name: &name, cursor };
            for core in (outer_count..body.cores.len()).rev() {
                self.compiler.bound[body.cores[core]].flags.recursive = true;
                self.expand_core(&body, core, Some(&recursion))?;
            }
        }
        forbid(self, None);
        self.compiler.names.with = saved;
        self.compiler.names.depth -= 1;
        Ok(body.select())
    }

    /// Counts one level of nesting. Common table expressions that use each other twice make exponentially many cursors: for them
    /// the number of cursors may not pass the limit either.
    pub(super) fn deeper(&mut self, count_cursors: bool) -> CompileResult<()> {
        let max = self.compiler.limit(crate::compile::LimitKind::ExprDepth);
        let cursors = if count_cursors { self.compiler.builder.cursor_count() as usize } else { 0 };
        if self.compiler.names.depth.max(cursors) >= max {
            return Err(Error::message("VIEWs and/or subqueries nested too deep"));
        }
        self.compiler.names.depth += 1;
        Ok(())
    }
}

/// The recursive table inside its own body.
pub(super) struct Recursion<'n> {
    pub(super) name: &'n [u8],
    pub(super) cursor: kernite_vdbe::op::Cursor,
}

/// How many of the last cores of a body refer to `name` in FROM.
///
/// # Errors
/// `multiple references to recursive table: x`, when one core does so twice.
fn recursive_cores(ast: &Ast, select: ast::SelectId, name: &[u8]) -> CompileResult<usize> {
    let cores = ast.list(ast[select].cores);
    let operator = cores.last().and_then(|core| core.operator);
    if !matches!(operator, Some(CompoundOp::Union | CompoundOp::UnionAll)) {
        return Ok(0);
    }
    let mut count = 0;
    for core in cores.iter().rev().take_while(|core| core.operator == operator) {
        let references = match core.body {
            CoreBody::Select(core) => {
                ast.list(core.from).iter().filter(|source| is_reference(ast, source, name)).count()
            }
            CoreBody::Values(_) => 0,
        };
        match references {
            0 => break,
            1 => count += 1,
            _ => {
                return Err(Error::message(format!(
                    "multiple references to recursive table: {}",
                    lossy(name)
                )));
            }
        }
    }
    Ok(count)
}

/// Whether an item of FROM is the recursive table `name`.
pub(super) fn is_reference(ast: &Ast, source: &ast::Source, name: &[u8]) -> bool {
    matches!(source.kind,
        SourceKind::Table { schema: None, name: source, .. } if ast.name(source).eq_ignore_ascii_case(name))
}
