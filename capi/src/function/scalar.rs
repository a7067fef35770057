//! Scalar functions of the application.

use std::sync::Arc;

use kernite::engine::vdbe::Register;
use kernite::engine::vdbe::function::{UserCall, UserError, UserScalar};

use super::{Registered, RowFunction, call_with};
use crate::connection::hook::Back;
use crate::value::sqlite3_context;

/// A scalar function.
pub(crate) struct Scalar {
    pub(crate) back: Back,
    pub(crate) function: RowFunction,
    pub(crate) registered: Arc<Registered>,
}

impl UserScalar for Scalar {
    fn call(
        &self,
        call: &mut UserCall<'_>,
        arguments: &mut [Register],
        result: &mut Register,
    ) -> Result<(), UserError> {
        let db = self.back.db();
        let mut context = sqlite3_context::new(db.as_ptr(), self.registered.data.0, result, call.encoding);
        context.auxdata = call.auxdata;
        context.constant_mask = call.constant_mask;
        // SAFETY: the application's function, registered for so many arguments.
        unsafe { call_with(self.function, &mut context, call.encoding, arguments) };
        context.outcome()
    }
}
