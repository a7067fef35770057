//! Windows: what OVER means.
//!
//! A window is looked up by name in the WINDOW clause of its query, or extends one from there, or stands alone. Each use gets its own copy.
//! Some window functions have a frame of their own, whatever was written.
//!
//! Spec: Window Functions, "Window Chaining", "Built-in Window Functions".

use kernite_parser::ast::{self, Ast, Frame, FrameBound, FrameExclude, FrameUnit};
use kernite_vdbe::Error;
use kernite_vdbe::function::FunctionFlags;

use super::context::Context;
use super::{Env, Resolver};
use crate::bound::{ExprId, ExprKind, FrameEdge, WindowSpec};
use crate::compile::{CompileResult, lossy};

/// A window with what it inherits from the one that it extends.
#[derive(Clone, Copy)]
struct Assembled {
    partition_by: ast::List<ast::ExprId>,
    order_by: ast::List<ast::OrderTerm>,
    frame: Option<Frame>,
}

impl Assembled {
    /// What the window itself says.
    fn own(window: &ast::Window) -> Assembled {
        Assembled { partition_by: window.partition_by, order_by: window.order_by, frame: window.frame }
    }
}

fn edge(bound: FrameBound) -> FrameEdge {
    match bound {
        FrameBound::UnboundedPreceding => FrameEdge::UnboundedPreceding,
        FrameBound::Preceding(_) => FrameEdge::Preceding,
        FrameBound::CurrentRow => FrameEdge::CurrentRow,
        FrameBound::Following(_) => FrameEdge::Following,
        FrameBound::UnboundedFollowing => FrameEdge::UnboundedFollowing,
    }
}

/// Checks the windows of a WINDOW clause, each of which may extend an earlier one.
///
/// # Errors
/// `no such window: x`, `cannot override … of window: x`.
pub(super) fn check_definitions(ast: &Ast, windows: ast::List<ast::Window>) -> CompileResult<()> {
    let windows = ast.list(windows);
    (0..windows.len()).try_for_each(|at| definition(ast, windows, at).map(drop))
}

/// Definition `at` of a WINDOW clause. The first one has none before it that it could extend; what it names is not looked at, as in SQLite.
fn definition(ast: &Ast, windows: &[ast::Window], at: usize) -> CompileResult<Assembled> {
    let window = &windows[at];
    if at == 0 { Ok(Assembled::own(window)) } else { assemble(ast, window, &windows[..at]) }
}

/// The name of a window: as typed, quotes included.
fn typed(ast: &Ast, name: ast::NameId) -> &[u8] {
    ast.source(ast[name].source)
}

/// Which of `windows` has this name.
fn find(ast: &Ast, windows: &[ast::Window], name: &[u8]) -> CompileResult<usize> {
    let is =
        |window: &ast::Window| window.name.is_some_and(|known| typed(ast, known).eq_ignore_ascii_case(name));
    windows.iter().rposition(is).ok_or_else(|| Error::message(format!("no such window: {}", lossy(name))))
}

fn assemble(ast: &Ast, window: &ast::Window, earlier: &[ast::Window]) -> CompileResult<Assembled> {
    let own = Assembled::own(window);
    let Some(base_name) = window.base else { return Ok(own) };
    let at = find(ast, earlier, typed(ast, base_name))?;
    let base = definition(ast, earlier, at)?;
    let overridden = if !own.partition_by.is_empty() {
        "PARTITION clause"
    } else if !base.order_by.is_empty() && !own.order_by.is_empty() {
        "ORDER BY clause"
    } else if base.frame.is_some() {
        "frame specification"
    } else {
        let order_by = if base.order_by.is_empty() { own.order_by } else { base.order_by };
        return Ok(Assembled { partition_by: base.partition_by, order_by, frame: own.frame });
    };
    Err(Error::message(format!("cannot override {overridden} of window: {}", lossy(typed(ast, base_name)))))
}

impl Resolver<'_, '_> {
    /// The window of a call.
    pub(super) fn lower_window(
        &mut self,
        env: &Env,
        at: usize,
        over: ast::Over,
        function: &str,
        flags: FunctionFlags,
        has_filter: bool,
    ) -> CompileResult<WindowSpec> {
        let definitions = env.ast.list(self.contexts[at].windows);
        let (assembled, name) = match over {
            ast::Over::Name(name) => {
                let found = find(&env.ast, definitions, typed(&env.ast, name))?;
                (definition(&env.ast, definitions, found)?, Some(env.ast.name(name)))
            }
            ast::Over::Window(window) => (assemble(&env.ast, &env.ast[window], definitions)?, None),
        };
        let mut spec = self.frame(env, assembled.frame)?;
        spec.name = name.map(Into::into);
        let has_offset = spec.start_expr.is_some() || spec.end_expr.is_some();
        if spec.unit == FrameUnit::Range && has_offset && assembled.order_by.len() != 1 {
            return Err(Error::message(
                "RANGE with offset PRECEDING/FOLLOWING requires one ORDER BY expression",
            ));
        }
        if flags.has(FunctionFlags::WINDOW_ONLY) {
            if has_filter {
                return Err(Error::message("FILTER clause may only be used with aggregate window functions"));
            }
            self.fix_frame(function, &mut spec);
        }
        for &expr in env.ast.list(assembled.partition_by) {
            spec.partition_by.push(self.lower(env, at, expr)?);
        }
        spec.order_by = self.lower_terms(env, at, env.ast.list(assembled.order_by))?;
        Ok(spec)
    }

    fn frame(&mut self, env: &Env, frame: Option<Frame>) -> CompileResult<WindowSpec> {
        let explicit_frame = frame.is_some();
        let frame = frame.unwrap_or(Frame {
            unit: FrameUnit::Range,
            start: FrameBound::UnboundedPreceding,
            end: FrameBound::CurrentRow,
            exclude: FrameExclude::None,
        });
        Ok(WindowSpec {
            partition_by: Vec::new(),
            order_by: Vec::new(),
            unit: frame.unit,
            start: edge(frame.start),
            end: edge(frame.end),
            start_expr: self.offset(env, frame.start)?,
            end_expr: self.offset(env, frame.end)?,
            exclude: frame.exclude,
            explicit_frame,
            name: None,
        })
    }

    /// The distance of a bound. It has to be constant; what is not counts as NULL, which is refused when the query runs.
    fn offset(&mut self, env: &Env, bound: FrameBound) -> CompileResult<Option<ExprId>> {
        let (FrameBound::Preceding(expr) | FrameBound::Following(expr)) = bound else { return Ok(None) };
        if !super::values::is_constant(&env.ast, None, expr) {
            return Ok(Some(self.add(ExprKind::Null, None)));
        }
        let level = self.push_context(Context::default());
        let expr = self.lower(env, level, expr);
        self.contexts.truncate(level);
        expr.map(Some)
    }

    /// The frames that some window functions always have.
    fn fix_frame(&mut self, function: &str, spec: &mut WindowSpec) {
        use FrameEdge::{CurrentRow, Following, UnboundedFollowing, UnboundedPreceding};
        use FrameUnit::{Groups, Range, Rows};
        let (unit, start, end) = match function {
            "row_number" => (Rows, UnboundedPreceding, CurrentRow),
            "dense_rank" | "rank" => (Range, UnboundedPreceding, CurrentRow),
            "percent_rank" => (Groups, CurrentRow, UnboundedFollowing),
            "cume_dist" => (Groups, Following, UnboundedFollowing),
            "ntile" => (Rows, CurrentRow, UnboundedFollowing),
            "lead" => (Rows, UnboundedPreceding, UnboundedFollowing),
            "lag" => (Rows, UnboundedPreceding, CurrentRow),
            _ => return,
        };
        (spec.unit, spec.start, spec.end) = (unit, start, end);
        (spec.start_expr, spec.end_expr) = (None, None);
        spec.exclude = FrameExclude::None;
        if function == "cume_dist" {
            spec.start_expr = Some(self.add(ExprKind::Integer(1), None));
        }
    }

    /// Notes whether the window functions of a query have more than one partitioning.
    pub(super) fn link_window(&mut self, at: usize, id: ExprId) {
        let Some(core) = self.contexts[at].window_core else { return };
        let bound = &mut self.compiler.bound;
        let windows = &self.compiler.names.first_windows;
        match windows.iter().find(|(known, _)| *known == core) {
            None => self.compiler.names.first_windows.push((core, id)),
            Some(&(_, first)) => {
                let (ExprKind::Function(a), ExprKind::Function(b)) = (&bound[first].kind, &bound[id].kind)
                else {
                    return;
                };
                let (Some(a), Some(b)) = (&a.window, &b.window) else { return };
                let same = a.partition_by.len() == b.partition_by.len()
                    && a.partition_by
                        .iter()
                        .zip(&b.partition_by)
                        .all(|(&a, &b)| bound.compare(a, b, None) == crate::bound::Similarity::Same);
                if !same {
                    bound[core].flags.multi_partition = true;
                }
            }
        }
    }
}
