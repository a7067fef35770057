//! Windows: what stands between the parentheses of OVER, and the WINDOW clause.

use super::{Grammar, Rule};
use crate::Features;
use crate::ast::{
    Frame, FrameBound, FrameExclude, FrameUnit, List, NameId, NullsOrder, SortOrder, Stored, Window, WindowId,
};
use crate::lexer::TokenKind;

impl Grammar<'_> {
    pub(super) fn add_window(&mut self, window: Window) -> WindowId {
        let windows = Window::arena_mut(&mut self.ast);
        let id = WindowId::next(windows.len());
        windows.push(window);
        id
    }

    /// `window RP`
    pub(super) fn window_until_paren(&mut self) -> Rule<Window> {
        let depth = self.depth;
        let mut window = Window {
            name: None,
            base: None,
            partition_by: List::default(),
            order_by: List::default(),
            frame: None,
        };
        let keyword = matches!(
            self.tok.kind,
            TokenKind::Partition | TokenKind::Range | TokenKind::Rows | TokenKind::Groups
        );
        if self.tok.kind.is_name() && !keyword {
            window.base = Some(self.name()?);
            self.depth += 1;
        }
        if self.take(TokenKind::Partition)? {
            self.expect(TokenKind::By)?;
            self.depth += 2;
            window.partition_by = self.expr_list()?;
            self.depth += 1;
        }
        if self.take(TokenKind::Order)? {
            self.expect(TokenKind::By)?;
            self.depth += 2;
            window.order_by = self.sort_list()?;
            self.depth -= 1;
        }
        window.frame = self.frame()?;
        self.depth = depth;
        self.expect(TokenKind::RightParen)?;
        Ok(window)
    }

    /// `frame_opt`
    fn frame(&mut self) -> Rule<Option<Frame>> {
        let unit = match self.tok.kind {
            TokenKind::Range => FrameUnit::Range,
            TokenKind::Rows => FrameUnit::Rows,
            TokenKind::Groups => FrameUnit::Groups,
            _ => return Ok(None),
        };
        self.shift()?;
        self.depth += 1;
        let mut end = FrameBound::CurrentRow;
        let start = if self.take(TokenKind::Between)? {
            self.depth += 1;
            let start = self.frame_bound(TokenKind::Preceding)?;
            self.expect(TokenKind::And)?;
            self.depth += 2;
            end = self.frame_bound(TokenKind::Following)?;
            start
        } else {
            self.frame_bound(TokenKind::Preceding)?
        };
        let exclude = self.frame_exclude()?;
        let backwards = match start {
            FrameBound::CurrentRow => matches!(end, FrameBound::Preceding(_)),
            FrameBound::Following(_) => matches!(end, FrameBound::Preceding(_) | FrameBound::CurrentRow),
            _ => false,
        };
        if backwards {
            self.fail("unsupported frame specification", None);
        }
        Ok(Some(Frame { unit, start, end, exclude }))
    }

    /// One end of a frame; `unbounded` is the word that may follow UNBOUNDED here.
    fn frame_bound(&mut self, unbounded: TokenKind) -> Rule<FrameBound> {
        if self.take(TokenKind::Unbounded)? {
            self.expect(unbounded)?;
            let first = unbounded == TokenKind::Preceding;
            return Ok(if first { FrameBound::UnboundedPreceding } else { FrameBound::UnboundedFollowing });
        }
        if self.take(TokenKind::Current)? {
            self.expect(TokenKind::Row)?;
            return Ok(FrameBound::CurrentRow);
        }
        let expr = self.expr()?;
        let bound = match self.tok.kind {
            TokenKind::Preceding => FrameBound::Preceding(expr),
            TokenKind::Following => FrameBound::Following(expr),
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        Ok(bound)
    }

    /// `frame_exclude_opt`
    fn frame_exclude(&mut self) -> Rule<FrameExclude> {
        if !self.take(TokenKind::Exclude)? {
            return Ok(FrameExclude::None);
        }
        let (exclude, second) = match self.tok.kind {
            TokenKind::No => (FrameExclude::NoOthers, Some(TokenKind::Others)),
            TokenKind::Current => (FrameExclude::CurrentRow, Some(TokenKind::Row)),
            TokenKind::Group => (FrameExclude::Group, None),
            TokenKind::Ties => (FrameExclude::Ties, None),
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        if let Some(second) = second {
            self.expect(second)?;
        }
        Ok(exclude)
    }

    /// `window_clause`, behind WINDOW
    pub(super) fn window_clause(&mut self) -> Rule<List<Window>> {
        self.features.set(Features::WINDOW);
        let depth = self.depth;
        let from = self.open::<Window>();
        loop {
            let name = self.name()?;
            self.expect_all(&[TokenKind::As, TokenKind::LeftParen])?;
            self.depth += 3;
            let window = Window { name: Some(name), ..self.window_until_paren()? };
            if self.open::<Window>() > from {
                self.check_base(from, &window);
            }
            self.push(window);
            if !self.take(TokenKind::Comma)? {
                break;
            }
            self.depth = depth + 2;
        }
        self.depth = depth;
        Ok(self.close(from))
    }

    /// Checks that a window does not override what the earlier one that it extends has.
    fn check_base(&mut self, from: usize, window: &Window) {
        let Some(base) = window.base else { return };
        let typed = |name: NameId| self.bytes(self.ast[name].source);
        let Some(at) = self.find_window(from, base, usize::MAX) else {
            let message = [b"no such window: ", typed(base)].concat();
            return self.fail(message, None);
        };
        let parent = self.items::<Window>(from)[at];
        let clause: &[u8] = if !window.partition_by.is_empty() {
            b"PARTITION clause"
        } else if !window.order_by.is_empty() && self.is_ordered(from, at) {
            b"ORDER BY clause"
        } else if parent.frame.is_some() {
            b"frame specification"
        } else {
            return;
        };
        let message = [b"cannot override ", clause, b" of window: ", typed(base)].concat();
        self.fail(message, None);
    }

    /// The last of the first `before` windows with this name.
    fn find_window(&self, from: usize, name: NameId, before: usize) -> Option<usize> {
        let typed = |name: NameId| self.bytes(self.ast[name].source);
        let windows = self.items::<Window>(from);
        let earlier = windows.get(..before.min(windows.len())).unwrap_or_default();
        earlier.iter().rposition(|w| w.name.is_some_and(|n| typed(n).eq_ignore_ascii_case(typed(name))))
    }

    /// Whether a window has an ORDER BY, its own or that of a window that it extends.
    fn is_ordered(&self, from: usize, mut at: usize) -> bool {
        loop {
            let window = self.items::<Window>(from)[at];
            if !window.order_by.is_empty() {
                return true;
            }
            // The first window of the clause is not joined to its base.
            let base = window.base.filter(|_| at > 0);
            match base.and_then(|base| self.find_window(from, base, at)) {
                Some(earlier) => at = earlier,
                None => return false,
            }
        }
    }

    /// `sortorder`
    pub(super) fn sort_order(&mut self) -> Rule<Option<SortOrder>> {
        let order = match self.tok.kind {
            TokenKind::Asc => SortOrder::Asc,
            TokenKind::Desc => SortOrder::Desc,
            _ => return Ok(None),
        };
        self.shift()?;
        Ok(Some(order))
    }

    /// `nulls`
    pub(super) fn nulls(&mut self) -> Rule<Option<NullsOrder>> {
        if !self.take(TokenKind::Nulls)? {
            return Ok(None);
        }
        let nulls = match self.tok.kind {
            TokenKind::First => NullsOrder::First,
            TokenKind::Last => NullsOrder::Last,
            _ => return Err(self.syntax_error()),
        };
        self.shift()?;
        Ok(Some(nulls))
    }
}
