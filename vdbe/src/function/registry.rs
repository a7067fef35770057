//! Functions and collations by name, as one connection sees them.
//!
//! The built-in functions are a shared table; a registry keeps what the application registered, which goes first. Of several functions of
//! one name the best match is taken: the exact number of arguments before any number, the database's encoding before another.
//!
//! Never: the text encoding's conversion for functions (they get views), loading of extensions.
//! Spec: `sqlite3_create_function`, `sqlite3_create_collation`.

use std::sync::Arc;

use kernite_btree::encoding::convert;
use kernite_btree::{Collate, Collation, Encoding};
use kernite_io::HashMap;

use super::builtin::table::{self, CASE_SENSITIVE_LIKE, MATCH};
use super::{FunctionDef, FunctionFlags};

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
    /// By lower-case name.
    user: HashMap<Box<str>, Vec<Arc<FunctionDef>>>,
    encoding: Encoding,
    version: u64,
}

/// How well a function fits a call; 0 = not at all.
fn fit(function: &FunctionDef, arguments: usize, encoding: Encoding) -> u8 {
    let exact = usize::try_from(function.arguments).is_ok_and(|count| count == arguments);
    if !exact {
        // -1: any number. -3: at least one, -4: at least two.
        let least = match function.arguments {
            -1 => 0,
            -2 | 0.. => return 0,
            at_least => -2 - i64::from(at_least),
        };
        if (arguments as i64) < least {
            return 0;
        }
    }
    let fits_encoding =
        match (function.encoding == encoding, function.encoding.is_utf16() && encoding.is_utf16()) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) => 0,
        };
    (if exact { 4 } else { 1 }) + fits_encoding
}

impl FunctionRegistry {
    /// A registry of a database in `encoding`.
    pub fn new(encoding: Encoding) -> FunctionRegistry {
        FunctionRegistry { encoding, ..FunctionRegistry::default() }
    }

    /// Sets the database's encoding, which decides between functions registered for several.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
        self.version += 1;
    }

    /// Changes whenever a look-up may find something else.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The best match for a call.
    pub fn find(&self, name: &[u8], arguments: usize) -> FunctionLookup {
        let lower = name.to_ascii_lowercase();
        let Ok(name) = std::str::from_utf8(&lower) else { return FunctionLookup::Unknown };
        let user = self.user.get(name).map_or(&[][..], Vec::as_slice);
        let best = user.iter().map(|function| (fit(function, arguments, self.encoding), function));
        if let Some(best) =
            best.filter(|(fit, _)| *fit > 0).reduce(|best, other| if other.0 > best.0 { other } else { best })
        {
            return FunctionLookup::Found(Arc::clone(best.1));
        }
        let builtins = table::named(name);
        let builtins =
            if builtins.is_empty() && name == MATCH.name { std::slice::from_ref(&MATCH) } else { builtins };
        let best = builtins.iter().map(|function| (fit(function, arguments, Encoding::Utf8), function));
        match best
            .filter(|(fit, _)| *fit > 0)
            .reduce(|best, other| if other.0 > best.0 { other } else { best })
        {
            Some((_, function)) => FunctionLookup::Found(Arc::new(function.clone())),
            None if user.is_empty() && builtins.is_empty() => FunctionLookup::Unknown,
            None => FunctionLookup::WrongArgumentCount,
        }
    }

    /// Registers a function, in place of one with the same name, number of arguments and encoding. Its name is made lower-case.
    pub fn register(&mut self, mut function: FunctionDef) {
        function.name = function.name.to_ascii_lowercase().into();
        function.flags.0 &= !FunctionFlags::BUILTIN;
        self.insert(function);
    }

    fn insert(&mut self, function: FunctionDef) {
        self.version += 1;
        let functions = self.user.entry(Box::from(&*function.name)).or_default();
        let same = |known: &Arc<FunctionDef>| {
            known.arguments == function.arguments && known.encoding == function.encoding
        };
        match functions.iter().position(same) {
            Some(at) => functions[at] = Arc::new(function),
            None => functions.push(Arc::new(function)),
        }
    }

    /// Removes a function that was registered; whether there was one. A built-in one of that name is visible again.
    pub fn remove(&mut self, name: &str, arguments: i8, encoding: Encoding) -> bool {
        let Some(functions) = self.user.get_mut(&*name.to_ascii_lowercase()) else { return false };
        let before = functions.len();
        functions.retain(|known| known.arguments != arguments || known.encoding != encoding);
        self.version += 1;
        functions.len() < before
    }

    /// A registered function, exactly as it was registered (`sqlite3_create_function` replacing one looks for running statements).
    pub fn registered(&self, name: &str, arguments: i8, encoding: Encoding) -> Option<&Arc<FunctionDef>> {
        let functions = self.user.get(&*name.to_ascii_lowercase())?;
        functions.iter().find(|known| known.arguments == arguments && known.encoding == encoding)
    }

    /// `PRAGMA case_sensitive_like`: puts a `like` of that kind in the place of any other.
    pub fn set_case_sensitive_like(&mut self, case_sensitive: bool) {
        let functions = if case_sensitive { &CASE_SENSITIVE_LIKE[..] } else { table::named("like") };
        for function in functions {
            self.insert(function.clone());
        }
    }

    /// All functions, built-in ones first, for `PRAGMA function_list`.
    pub fn iter(&self) -> impl Iterator<Item = &FunctionDef> {
        let builtin = table::BUILTINS.iter().chain(std::iter::once(&MATCH));
        builtin.chain(self.user.values().flatten().map(|function| &**function))
    }
}

/// The collations of a connection.
#[derive(Clone, Default)]
pub struct CollationRegistry {
    /// In the order in which they were first registered.
    user: Vec<UserCollation>,
    encoding: Encoding,
    version: u64,
}

#[derive(Clone)]
struct UserCollation {
    name: Box<[u8]>,
    /// By encoding: UTF-8, UTF-16LE, UTF-16BE.
    functions: [Option<Arc<dyn Collate>>; 3],
}

/// The place of an encoding in [`UserCollation::functions`].
const fn place(encoding: Encoding) -> usize {
    encoding.to_header() as usize - 1
}

/// A user's collation that takes text in one encoding only.
struct Converting {
    function: Arc<dyn Collate>,
    takes: Encoding,
}

impl Collate for Converting {
    fn compare(&self, encoding: Encoding, left: &[u8], right: &[u8]) -> std::cmp::Ordering {
        if encoding == self.takes {
            return self.function.compare(encoding, left, right);
        }
        let (mut converted_left, mut converted_right) = (Vec::new(), Vec::new());
        convert(left, encoding, self.takes, &mut converted_left);
        convert(right, encoding, self.takes, &mut converted_right);
        self.function.compare(self.takes, &converted_left, &converted_right)
    }
}

/// The collations that are always there.
const BUILTIN_COLLATIONS: [&[u8]; 3] = [b"BINARY", b"NOCASE", b"RTRIM"];

impl CollationRegistry {
    /// A registry of a database in `encoding`.
    pub fn new(encoding: Encoding) -> CollationRegistry {
        CollationRegistry { encoding, ..CollationRegistry::default() }
    }

    /// Sets the database's encoding, which decides between functions registered for several.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
        self.version += 1;
    }

    /// Changes whenever a look-up may find something else.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A collation by name, ASCII case ignored.
    pub fn find(&self, name: &[u8]) -> Option<Collation> {
        if let Some(user) = self.user.iter().find(|known| known.name.eq_ignore_ascii_case(name)) {
            let order = [self.encoding, Encoding::Utf16Be, Encoding::Utf16Le, Encoding::Utf8];
            let taken =
                order.into_iter().find_map(|takes| Some((takes, user.functions[place(takes)].clone()?)));
            if let Some((takes, function)) = taken {
                return Some(Collation::User(Arc::new(Converting { function, takes })));
            }
        }
        match name {
            name if name.eq_ignore_ascii_case(b"BINARY") => Some(Collation::Binary),
            name if name.eq_ignore_ascii_case(b"NOCASE") => Some(Collation::NoCase),
            name if name.eq_ignore_ascii_case(b"RTRIM") => Some(Collation::Rtrim),
            _ => None,
        }
    }

    /// Registers a collation for text in `encoding`, in place of another; `None` removes it.
    pub fn register(&mut self, name: &[u8], encoding: Encoding, function: Option<Arc<dyn Collate>>) {
        self.version += 1;
        let at = match self.user.iter().position(|known| known.name.eq_ignore_ascii_case(name)) {
            Some(at) => at,
            None => {
                self.user.push(UserCollation { name: name.into(), functions: [const { None }; 3] });
                self.user.len() - 1
            }
        };
        self.user[at].functions[place(encoding)] = function;
        if self.user[at].functions.iter().all(Option::is_none) {
            self.user.remove(at);
        }
    }

    /// The function registered for a name and encoding, if any.
    pub fn registered(&self, name: &[u8], encoding: Encoding) -> Option<&Arc<dyn Collate>> {
        let user = self.user.iter().find(|known| known.name.eq_ignore_ascii_case(name))?;
        user.functions[place(encoding)].as_ref()
    }

    /// The names, the newest first, for `PRAGMA collation_list`.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        let is_builtin =
            |name: &[u8]| BUILTIN_COLLATIONS.iter().any(|known| known.eq_ignore_ascii_case(name));
        let user = self.user.iter().rev().map(|user| &*user.name).filter(move |name| !is_builtin(name));
        user.chain(BUILTIN_COLLATIONS.into_iter().rev())
    }
}

impl std::fmt::Debug for CollationRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names().map(String::from_utf8_lossy)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;
    use crate::function::FunctionBody;

    fn user(name: &'static str, arguments: i8, encoding: Encoding) -> FunctionDef {
        let body = FunctionBody::Scalar(|_| Ok(Some(())));
        FunctionDef { name: name.into(), arguments, encoding, flags: FunctionFlags(0), body }
    }

    fn found(registry: &FunctionRegistry, name: &str, arguments: usize) -> String {
        match registry.find(name.as_bytes(), arguments) {
            FunctionLookup::Found(function) => format!("{function:?} {:?}", function.encoding),
            FunctionLookup::WrongArgumentCount => "wrong number".into(),
            FunctionLookup::Unknown => "unknown".into(),
        }
    }

    #[test]
    fn names_counts_and_encodings_decide() {
        let mut registry = FunctionRegistry::new(Encoding::Utf16Le);
        for (arguments, encoding) in [(-1, Encoding::Utf8), (2, Encoding::Utf8), (2, Encoding::Utf16Be)] {
            registry.register(user("Mine", arguments, encoding));
        }
        assert_eq!(found(&registry, "mine", 3), "mine(-1) Utf8");
        assert_eq!(found(&registry, "MINE", 2), "mine(2) Utf16Be");
        assert!(registry.remove("mine", 2, Encoding::Utf16Be));
        assert_eq!(found(&registry, "mine", 2), "mine(2) Utf8");
    }

    #[test]
    fn the_number_of_arguments_is_checked() {
        let registry = FunctionRegistry::default();
        for (name, arguments, expected) in [
            ("substr", 1, "wrong number"),
            ("SUBSTR", 2, "substr(2) Utf8"),
            ("min", 1, "min(1) Utf8"),
            ("min", 2, "min(-3) Utf8"),
            ("min", 0, "wrong number"),
            ("coalesce", 1, "wrong number"),
            ("coalesce", 2, "coalesce(-4) Utf8"),
            ("concat", 0, "wrong number"),
            ("printf", 0, "printf(-1) Utf8"),
            ("nothing", 1, "unknown"),
        ] {
            assert_eq!(found(&registry, name, arguments), expected, "{name}");
        }
    }

    #[test]
    fn a_function_of_the_application_hides_a_built_in_one_until_removed() {
        let mut registry = FunctionRegistry::default();
        registry.register(user("upper", 1, Encoding::Utf8));
        let is_builtin = |registry: &FunctionRegistry| match registry.find(b"upper", 1) {
            FunctionLookup::Found(function) => function.flags.has(FunctionFlags::BUILTIN),
            _ => false,
        };
        assert!(!is_builtin(&registry));
        registry.remove("UPPER", 1, Encoding::Utf8);
        assert!(is_builtin(&registry));
    }

    /// Compares by length.
    struct ByLength;

    impl Collate for ByLength {
        fn compare(&self, encoding: Encoding, left: &[u8], right: &[u8]) -> Ordering {
            assert_eq!(encoding, Encoding::Utf16Le, "it takes nothing else");
            left.len().cmp(&right.len())
        }
    }

    #[test]
    fn a_collation_gets_text_in_the_encoding_it_was_registered_for() {
        let mut registry = CollationRegistry::default();
        assert!(registry.find(b"length").is_none());
        registry.register(b"length", Encoding::Utf16Le, Some(Arc::new(ByLength)));
        let collation = registry.find(b"LENGTH").unwrap();
        assert_eq!(collation.compare(Encoding::Utf8, "ä".as_bytes(), b"z"), Ordering::Equal);
        assert_eq!(
            registry.names().collect::<Vec<_>>(),
            [b"length".as_slice(), b"RTRIM", b"NOCASE", b"BINARY"]
        );
        registry.register(b"length", Encoding::Utf16Le, None);
        assert!(registry.find(b"length").is_none());
    }
}
