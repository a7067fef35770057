//! Modules: the kinds of virtual tables, by name.
//!
//! Some are built in and found whether registered or not: `json_each` and its like, and a table-valued function for every pragma that gives
//! rows.

use std::sync::Arc;

use kernite_io::HashMap;
use kernite_vdbe::function::builtin::json::each;
use kernite_vdbe::vtab::Module;

use crate::pragma;

/// The modules of a connection.
#[derive(Clone, Default)]
pub struct Modules {
    /// By lower-case name, with the name as it was registered.
    registered: HashMap<Box<[u8]>, (Box<str>, Arc<dyn Module>)>,
}

impl Modules {
    /// A module by name, ASCII case ignored: its name and itself.
    pub fn find(&self, name: &[u8]) -> Option<(Box<str>, Arc<dyn Module>)> {
        let lower = name.to_ascii_lowercase();
        if let Some((name, module)) = self.registered.get(&*lower) {
            return Some((name.clone(), Arc::clone(module)));
        }
        if let Some((name, module)) = each::MODULES.iter().find(|(name, _)| name.as_bytes() == lower) {
            return Some(((*name).into(), Arc::new(*module)));
        }
        let module = pragma::module(lower.strip_prefix(b"pragma_")?)?;
        Some((String::from_utf8_lossy(&lower).into(), Arc::new(module)))
    }

    /// Registers a module, in place of one of the same name.
    pub fn register(&mut self, name: &str, module: Arc<dyn Module>) {
        self.registered.insert(name.to_ascii_lowercase().into_bytes().into(), (name.into(), module));
    }

    /// Takes a module out.
    pub fn remove(&mut self, name: &str) -> Option<Arc<dyn Module>> {
        self.registered.remove(name.to_ascii_lowercase().as_bytes()).map(|(_, module)| module)
    }

    /// The names of the registered ones, as they were registered, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.registered.values().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names
    }
}

impl std::fmt::Debug for Modules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Modules").field(&self.names()).finish()
    }
}
