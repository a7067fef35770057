//! Lines of EXPLAIN QUERY PLAN: instructions that do nothing, present only when the plan is asked for.
//!
//! A line's id is its address, its parent the id of the line that was pushed last and not popped.

use kernite_vdbe::op::Op;

use crate::compile::Compiler;

impl Compiler<'_> {
    /// Adds a line.
    pub fn explain(&mut self, text: impl FnOnce(&Compiler<'_>) -> String) {
        if self.codegen.explain_plan {
            let text = text(self);
            self.explain_line(&text);
        }
    }

    /// Adds a line under which the following ones hang until [`Compiler::explain_pop`].
    pub fn explain_push(&mut self, text: impl FnOnce(&Compiler<'_>) -> String) {
        if self.codegen.explain_plan {
            let text = text(self);
            self.codegen.explain_parent = self.explain_line(&text);
        }
    }

    /// Goes back to the line above the present parent.
    pub fn explain_pop(&mut self) {
        let at = self.codegen.explain_parent;
        if self.codegen.explain_plan
            && at != 0
            && let Ok(at) = usize::try_from(at)
            && let Some(&Op::Explain { parent, .. }) = self.builder.ops().get(at)
        {
            self.codegen.explain_parent = parent;
        }
    }

    /// Adds a line, asked for or not; its id.
    pub fn explain_line(&mut self, text: &str) -> i32 {
        let id = self.here().0 as i32;
        let text = self.builder.name(text.as_bytes());
        let parent = self.codegen.explain_parent;
        self.emit(Op::Explain { text, id, parent });
        id
    }
}
