//! Virtual tables: the trait that built-in modules and the user's share.
