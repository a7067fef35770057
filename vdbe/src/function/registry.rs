//! Functions and collations by name, as one connection sees them.

use std::sync::Arc;

use kernite_btree::Collation;

use super::FunctionDef;

/// What a look-up by name and argument count finds.
#[derive(Clone, Debug)]
pub enum FunctionLookup {
    Found(Arc<FunctionDef>),
    /// The name exists, but not with so many arguments.
    WrongArgumentCount,
    Unknown,
}

/// The functions of a connection.
#[derive(Clone, Debug, Default)]
pub struct FunctionRegistry {
    functions: Vec<Arc<FunctionDef>>,
}

impl FunctionRegistry {
    /// The best match for a call.
    pub fn find(&self, name: &[u8], arguments: usize) -> FunctionLookup {
        let mut lookup = FunctionLookup::Unknown;
        for function in &self.functions {
            if !function.name.as_bytes().eq_ignore_ascii_case(name) {
                continue;
            }
            if i64::from(function.arguments) == arguments as i64 || function.arguments < 0 {
                return FunctionLookup::Found(Arc::clone(function));
            }
            lookup = FunctionLookup::WrongArgumentCount;
        }
        lookup
    }
}

/// The collations of a connection.
#[derive(Clone, Debug, Default)]
pub struct CollationRegistry {
    user: Vec<(Box<[u8]>, Collation)>,
}

impl CollationRegistry {
    /// A collation by name, ASCII case ignored.
    pub fn find(&self, name: &[u8]) -> Option<Collation> {
        match name {
            name if name.eq_ignore_ascii_case(b"BINARY") => Some(Collation::Binary),
            name if name.eq_ignore_ascii_case(b"NOCASE") => Some(Collation::NoCase),
            name if name.eq_ignore_ascii_case(b"RTRIM") => Some(Collation::Rtrim),
            name => self.user.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, c)| c.clone()),
        }
    }
}
