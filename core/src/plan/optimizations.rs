//! The optimisations that can be switched off: bits of `SQLITE_TESTCTRL_OPTIMIZATIONS`. A set bit switches off.

pub const QUERY_FLATTENER: u32 = 0x0000_0001;
pub const GROUP_BY_ORDER: u32 = 0x0000_0004;
pub const DISTINCT: u32 = 0x0000_0010;
pub const COVERING_INDEX_SCAN: u32 = 0x0000_0020;
pub const ORDER_BY_INDEX_JOIN: u32 = 0x0000_0040;
pub const TRANSITIVE: u32 = 0x0000_0080;
pub const OMIT_NOOP_JOIN: u32 = 0x0000_0100;
pub const COUNT_OF_VIEW: u32 = 0x0000_0200;
pub const PUSH_DOWN: u32 = 0x0000_1000;
pub const SIMPLIFY_JOIN: u32 = 0x0000_2000;
pub const SKIP_SCAN: u32 = 0x0000_4000;
pub const PROPAGATE_CONSTANTS: u32 = 0x0000_8000;
pub const MIN_MAX: u32 = 0x0001_0000;
pub const SEEK_SCAN: u32 = 0x0002_0000;
pub const OMIT_ORDER_BY: u32 = 0x0004_0000;
pub const BLOOM_FILTER: u32 = 0x0008_0000;
pub const BALANCED_MERGE: u32 = 0x0020_0000;
pub const FLATTEN_UNION_ALL: u32 = 0x0080_0000;
pub const INDEXED_EXPR: u32 = 0x0100_0000;
pub const COROUTINES: u32 = 0x0200_0000;
pub const NULL_UNUSED_COLUMNS: u32 = 0x0400_0000;
pub const ONE_PASS: u32 = 0x0800_0000;
pub const ORDER_BY_SUBQUERY: u32 = 0x1000_0000;
pub const STAR_QUERY: u32 = 0x2000_0000;
pub const EXISTS_TO_JOIN: u32 = 0x4000_0000;
pub const UNION_LIMIT: u32 = 0x8000_0000;
