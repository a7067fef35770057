//! Calls: which function a name means, whether it may stand here, and to which query an aggregate belongs.
//!
//! An aggregate belongs to the innermost query whose FROM items its arguments mention (the innermost of all if they mention none). How
//! many queries further out that is stands in `aggregate_depth`.

use kernite_parser::ast;
use kernite_vdbe::Error;
use kernite_vdbe::function::registry::FunctionLookup;
use kernite_vdbe::function::{FunctionBody, FunctionFlags};

use super::{Env, Resolver};
use crate::bound::{
    Bound, ExprFlags, ExprId, ExprKind, FunctionCall, OrderTerm, SelectId, SelfContext, Visitor,
};
use crate::compile::{AuthAnswer, CompileResult, LimitKind, action, lossy};

/// A call as written, by name or by operator.
#[derive(Clone, Copy)]
struct Written<'w> {
    name: &'w [u8],
    arguments: &'w [ast::ExprId],
    distinct: bool,
    order_by: &'w [ast::OrderTerm],
    filter: Option<ast::ExprId>,
    over: Option<ast::Over>,
}

impl Resolver<'_, '_> {
    /// A call by name.
    pub(super) fn lower_call(
        &mut self,
        env: &Env,
        at: usize,
        expr: ast::ExprId,
        call: ast::CallId,
    ) -> CompileResult<ExprId> {
        let call = env.ast[call];
        let arguments = match call.arguments {
            ast::CallArguments::Star => &[][..],
            ast::CallArguments::List(list) => env.ast.list(list),
        };
        let written = Written {
            name: env.ast.name(call.name),
            arguments,
            distinct: call.distinct,
            // On a call without arguments it means nothing.
            order_by: if arguments.is_empty() { &[] } else { env.ast.list(call.order_by) },
            filter: call.filter,
            over: call.over,
        };
        self.lower_written(env, at, expr, written)
    }

    /// A call that an operator makes.
    pub(super) fn lower_named_call(
        &mut self,
        env: &Env,
        at: usize,
        expr: ast::ExprId,
        name: &[u8],
        arguments: &[ast::ExprId],
    ) -> CompileResult<ExprId> {
        let written = Written { name, arguments, distinct: false, order_by: &[], filter: None, over: None };
        self.lower_written(env, at, expr, written)
    }

    fn lower_written(
        &mut self,
        env: &Env,
        at: usize,
        expr: ast::ExprId,
        written: Written<'_>,
    ) -> CompileResult<ExprId> {
        let span = env.ast[expr].span;
        let saved = self.contexts[at].allowed;
        let found = self.compiler.functions.find(written.name, written.arguments.len());
        let mut call = None;
        if let FunctionLookup::Found(function) = &found {
            let mut new = FunctionCall::new(std::sync::Arc::clone(function));
            new.distinct = written.distinct;
            new.is_aggregate =
                matches!(function.body, FunctionBody::Aggregate(_) | FunctionBody::UserAggregate(_));
            if !self.may_call(env, at, expr, &written, &mut new)? {
                return Ok(self.add(ExprKind::Null, Some(span)));
            }
            call = Some(new);
        }
        if call.as_ref().is_some_and(|call| self.is_hidden_function(call.function.flags)) {
            call = None;
            self.complain(env, span, format!("no such function: {}", lossy(written.name)));
        } else {
            self.check_call(env, at, span, &written, &found, &mut call);
        }
        let is_aggregate = call.as_ref().is_some_and(|call| call.is_aggregate);
        if is_aggregate {
            let allowed = &mut self.contexts[at].allowed;
            allowed.windows = false;
            if written.over.is_none() {
                allowed.aggregates = false;
            }
        }
        let arguments: CompileResult<Vec<ExprId>> =
            written.arguments.iter().map(|&argument| self.lower(env, at, argument)).collect();
        if is_aggregate && let (Err(_), Some(filter)) = (&arguments, written.filter) {
            // The last complaint is the one that is heard.
            self.lower(env, at, filter)?;
        }
        let Some(mut call) = call else {
            arguments?;
            self.contexts[at].allowed = saved;
            return Ok(self.add(ExprKind::Null, Some(span)));
        };
        call.arguments = arguments?;
        if call.function.flags.has(FunctionFlags::SUBTYPE) {
            for argument in call.arguments.clone() {
                self.mark_subtype_argument(argument);
            }
        }
        let id = if is_aggregate {
            self.lower_aggregate(env, at, span, &written, call)?
        } else {
            self.add_call(call, span)
        };
        self.contexts[at].allowed = saved;
        Ok(id)
    }

    /// Asks the authorizer and looks at the rules for schema expressions. `false`: the call is left out.
    fn may_call(
        &mut self,
        env: &Env,
        at: usize,
        expr: ast::ExprId,
        written: &Written<'_>,
        call: &mut FunctionCall,
    ) -> CompileResult<bool> {
        let function = std::sync::Arc::clone(&call.function);
        let span = env.ast[expr].span;
        if let Some(probability) = self.probability(env, &function.name, written) {
            match probability {
                Some(probability) => call.probability = Some(probability),
                None => {
                    let name = lossy(written.name).into_owned();
                    self.complain(
                        env,
                        span,
                        format!("second argument to {name}() must be a constant between 0.0 and 1.0"),
                    );
                }
            }
        }
        match self.compiler.ask(action::FUNCTION, None, Some(function.name.as_bytes()), None) {
            AuthAnswer::Allow => {}
            AuthAnswer::Deny => {
                let name = lossy(written.name).into_owned();
                self.complain(env, span, format!("not authorized to use function: {name}"));
                return Ok(false);
            }
            AuthAnswer::Ignore => return Ok(false),
            AuthAnswer::Invalid => return Err(Error::message("authorizer malfunction")),
        }
        if function.flags.has(FunctionFlags::CONSTANT) {
            call.inside = self.contexts[at].schema_expr;
        } else {
            use SelfContext::{Generated, IndexExpr, PartialIndex};
            self.refuse_in(
                env,
                at,
                "non-deterministic functions",
                &[IndexExpr, PartialIndex, Generated],
                expr,
            );
        }
        let unsafe_in_schema = function.flags.has(FunctionFlags::DIRECT_ONLY)
            || (!self.compiler.options.trusted_schema
                && !function.flags.has(FunctionFlags::INNOCUOUS)
                && !function.flags.has(FunctionFlags::BUILTIN));
        let in_schema = self.contexts[at].allowed.from_schema || env.fixed_database.is_some();
        if unsafe_in_schema && in_schema && !self.is_hidden_function(function.flags) {
            self.complain(env, span, format!("unsafe use of {}()", lossy(written.name)));
        }
        Ok(true)
    }

    /// Internal functions exist only for SQL that the engine wrote.
    fn is_hidden_function(&self, flags: FunctionFlags) -> bool {
        flags.has(FunctionFlags::INTERNAL) && self.compiler.nested == 0
    }

    /// How probable the first argument of likely(), unlikely() or likelihood() is, times 2^27. `Some(None)`: the second argument is wrong.
    fn probability(&self, env: &Env, name: &str, written: &Written<'_>) -> Option<Option<u32>> {
        const ONE: f64 = 134_217_728.0;
        match name {
            "unlikely" => Some(Some(8_388_608)),
            "likely" => Some(Some(125_829_120)),
            "likelihood" => Some(match env.ast.expr(*written.arguments.get(1)?) {
                ast::Expr::Float(text) => {
                    let value = kernite_vdbe::value::parse::real(env.ast.text(*text)).value;
                    (value <= 1.0).then_some((value * ONE) as u32)
                }
                _ => None,
            }),
            _ => None,
        }
    }

    /// Checks that the call may stand here. What may not stops being an aggregate, and the walk goes on.
    fn check_call(
        &mut self,
        env: &Env,
        at: usize,
        span: ast::Span,
        written: &Written<'_>,
        found: &FunctionLookup,
        call: &mut Option<FunctionCall>,
    ) {
        let name = lossy(written.name).into_owned();
        let flags = call.as_ref().map(|call| call.function.flags).unwrap_or_default();
        let is_aggregate = call.as_ref().is_some_and(|call| call.is_aggregate);
        let over = written.over.is_some();
        let allowed = self.contexts[at].allowed;
        if self.compiler.names.recording.is_some() {
            // Texts that are only edited may call what is not there.
            return;
        }
        if is_aggregate && self.contexts[at].schema_expr == Some(SelfContext::Default) {
            self.complain(env, span, format!("unknown function: {name}()"));
            return;
        }
        let is_window_function = flags.has(FunctionFlags::WINDOW_ONLY);
        let has_value = is_window_function || flags.has(FunctionFlags::WINDOW);
        let message = if call.is_some() && over && !has_value {
            format!("{name}() may not be used as a window function")
        } else if is_aggregate
            && (!allowed.aggregates || (is_window_function && !over) || (over && !allowed.windows))
        {
            if let Some(call) = call {
                call.is_aggregate = false;
            }
            let kind = if is_window_function || over { "window" } else { "aggregate" };
            format!("misuse of {kind} function {name}()")
        } else if matches!(found, FunctionLookup::Unknown) && !self.compiler.options.loading_schema {
            // Schemas are read with functions that are not registered; they are missed when they are called.
            let is_stored = env.from_schema && self.contexts[at].schema_expr.is_some();
            if is_stored {
                format!("unknown function: {name}()")
            } else {
                format!("no such function: {name}")
            }
        } else if matches!(found, FunctionLookup::WrongArgumentCount) {
            format!("wrong number of arguments to function {name}()")
        } else if !is_aggregate && (written.filter.is_some() || over) {
            format!("FILTER may not be used with non-aggregate {name}()")
        } else if !is_aggregate && !written.order_by.is_empty() {
            format!("ORDER BY may not be used with non-aggregate {name}()")
        } else if written.arguments.len() > self.compiler.limit(LimitKind::FunctionArg)
            && self.compiler.nested == 0
        {
            format!("too many arguments on function {name}")
        } else {
            return;
        };
        self.complain(env, span, message);
    }

    fn complain(&mut self, env: &Env, span: ast::Span, message: String) {
        self.note_offset(env, span);
        self.soften(Error::message(message));
    }

    /// The rest of an aggregate or window function: its ORDER BY, window, filter, owner.
    fn lower_aggregate(
        &mut self,
        env: &Env,
        at: usize,
        span: ast::Span,
        written: &Written<'_>,
        mut call: FunctionCall,
    ) -> CompileResult<ExprId> {
        call.order_by = self.lower_terms(env, at, written.order_by)?;
        if let Some(over) = written.over.filter(|_| self.soft_error.is_none()) {
            let flags = call.function.flags;
            let name = call.function.name.clone();
            let window = self.lower_window(env, at, over, &name, flags, written.filter.is_some())?;
            call.filter = written.filter.map(|filter| self.lower(env, at, filter)).transpose()?;
            call.window = Some(Box::new(window));
            self.contexts[at].found.window = true;
            let id = self.add_call(call, span);
            self.link_window(at, id);
            return Ok(id);
        }
        call.filter = written.filter.map(|filter| self.lower(env, at, filter)).transpose()?;
        let flags = call.function.flags;
        let id = self.add_call(call, span);
        let (depth, owner) = self.owner_of(at, id);
        if let ExprKind::Function(call) = &mut self.compiler.bound[id].kind {
            call.aggregate_depth = u8::try_from(depth).unwrap_or(u8::MAX);
        }
        if let Some(owner) = owner {
            let found = &mut self.contexts[owner].found;
            found.aggregate = true;
            found.min_max |= flags.has(FunctionFlags::MIN_MAX);
            found.order_dependent |= flags.has(FunctionFlags::ORDERED) || !flags.has(FunctionFlags::BUILTIN);
        }
        Ok(id)
    }

    /// The terms of an ORDER BY that belongs to a call or window.
    pub(super) fn lower_terms(
        &mut self,
        env: &Env,
        at: usize,
        terms: &[ast::OrderTerm],
    ) -> CompileResult<Vec<OrderTerm>> {
        terms
            .iter()
            .map(|term| {
                let expr = self.lower(env, at, term.expr)?;
                Ok(super::order_by::term(term, expr, 0))
            })
            .collect()
    }

    /// How many queries out from `at` the aggregate `id` belongs, and that query's level.
    fn owner_of(&self, at: usize, id: ExprId) -> (u32, Option<usize>) {
        let mut depth = 0;
        let mut next = Some(at);
        while let Some(level) = next {
            let context = &self.contexts[level];
            if self.references_from(id, context.sources) != Some(false) {
                return (depth + context.nested_selects, Some(level));
            }
            depth += 1 + context.nested_selects;
            next = context.parent;
        }
        (depth, None)
    }

    /// Whether an aggregate mentions a FROM item of `select` (`Some(true)`), only others (`Some(false)`), or none but its own.
    fn references_from(&self, id: ExprId, select: Option<SelectId>) -> Option<bool> {
        struct Look<'b> {
            wanted: &'b [crate::bound::FromItem],
            own: Vec<SelectId>,
            hit: bool,
            other: bool,
        }
        impl Visitor for Look<'_> {
            fn expr(&mut self, bound: &Bound, expr: ExprId) -> bool {
                if let ExprKind::Column { cursor, .. } = bound[expr].kind {
                    let has =
                        |items: &[crate::bound::FromItem]| items.iter().any(|item| item.cursor == cursor);
                    if has(self.wanted) {
                        self.hit = true;
                    } else if !self.own.iter().any(|&core| has(&bound[core].from)) {
                        self.other = true;
                    }
                }
                true
            }
            fn enter(&mut self, _bound: &Bound, core: SelectId) {
                self.own.push(core);
            }
            fn leave(&mut self, _bound: &Bound, _core: SelectId) {
                self.own.pop();
            }
        }
        let bound = &self.compiler.bound;
        let wanted = select.map_or(&[][..], |select| &bound[select].from);
        let mut look = Look { wanted, own: Vec::new(), hit: false, other: false };
        bound.for_each_operand(id, |operand| bound.walk(operand, &mut look));
        match (look.hit, look.other) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    fn add_call(&mut self, call: FunctionCall, span: ast::Span) -> ExprId {
        let flags = call.function.flags;
        let unlikely = call.probability.is_some();
        let id = self.add(ExprKind::Function(Box::new(call)), Some(span));
        let node = &mut self.compiler.bound[id].flags;
        node.set(ExprFlags::HAS_FUNCTION);
        if flags.has(FunctionFlags::CONSTANT) || flags.has(FunctionFlags::SLOW_CHANGE) {
            node.set(ExprFlags::CONSTANT_FUNCTION);
        }
        if unlikely {
            node.set(ExprFlags::UNLIKELY);
        }
        id
    }

    /// Marks the argument of a function that looks at subtypes, through plus signs and into a scalar subquery.
    fn mark_subtype_argument(&mut self, expr: ExprId) {
        let mut expr = expr;
        loop {
            let bound = &mut self.compiler.bound;
            bound[expr].flags.set(ExprFlags::SUBTYPE_ARGUMENT);
            match &bound[expr].kind {
                ExprKind::Unary { op: crate::bound::UnaryOp::Plus, operand } => expr = *operand,
                ExprKind::Subquery(select) => {
                    let columns: Vec<ExprId> = bound[*select].columns.iter().map(|c| c.expr).collect();
                    return columns.into_iter().for_each(|column| self.mark_subtype_argument(column));
                }
                ExprKind::Function(call) => {
                    let arguments = call.arguments.clone();
                    return arguments.into_iter().for_each(|argument| self.mark_subtype_argument(argument));
                }
                _ => return,
            }
        }
    }
}
