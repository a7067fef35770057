//! What applications plug into R-Tree and full-text tables.
//!
//! Spec: The SQLite R*Tree Module, "Custom R-Tree Queries"; SQLite FTS5 Extension, "Extending FTS5".

use std::ffi::{c_char, c_double, c_int, c_uchar, c_uint, c_void};

use crate::sqlite3_int64;
use crate::value::{sqlite3_context, sqlite3_value};

/// A coordinate of an R-Tree.
pub type sqlite3_rtree_dbl = c_double;

/// What a geometry callback is given.
#[repr(C)]
pub struct sqlite3_rtree_geometry {
    pub pContext: *mut c_void,
    pub nParam: c_int,
    pub aParam: *mut sqlite3_rtree_dbl,
    pub pUser: *mut c_void,
    pub xDelUser: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// What a query callback is given and answers.
#[repr(C)]
pub struct sqlite3_rtree_query_info {
    pub pContext: *mut c_void,
    pub nParam: c_int,
    pub aParam: *mut sqlite3_rtree_dbl,
    pub pUser: *mut c_void,
    pub xDelUser: Option<unsafe extern "C" fn(*mut c_void)>,
    pub aCoord: *mut sqlite3_rtree_dbl,
    pub anQueue: *mut c_uint,
    pub nCoord: c_int,
    pub iLevel: c_int,
    pub mxLevel: c_int,
    pub iRowid: sqlite3_int64,
    pub rParentScore: sqlite3_rtree_dbl,
    pub eParentWithin: c_int,
    pub eWithin: c_int,
    pub rScore: sqlite3_rtree_dbl,
    pub apSqlParam: *mut *mut sqlite3_value,
}

/// One full-text query, as an auxiliary function sees it.
pub struct Fts5Context {
    _private: [u8; 0],
}

/// A tokenizer of the application.
pub struct Fts5Tokenizer {
    _private: [u8; 0],
}

/// Walks through the places of a phrase.
#[repr(C)]
pub struct Fts5PhraseIter {
    pub a: *const c_uchar,
    pub b: *const c_uchar,
}

/// An auxiliary function of full-text queries.
pub type fts5_extension_function = Option<
    unsafe extern "C" fn(
        pApi: *const Fts5ExtensionApi,
        pFts: *mut Fts5Context,
        pCtx: *mut sqlite3_context,
        nVal: c_int,
        apVal: *mut *mut sqlite3_value,
    ),
>;

/// Takes one token.
type TakeToken =
    Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_char, c_int, c_int, c_int) -> c_int>;

/// What an auxiliary function can ask.
#[repr(C)]
pub struct Fts5ExtensionApi {
    pub iVersion: c_int,
    pub xUserData: Option<unsafe extern "C" fn(*mut Fts5Context) -> *mut c_void>,
    pub xColumnCount: Option<unsafe extern "C" fn(*mut Fts5Context) -> c_int>,
    pub xRowCount: Option<unsafe extern "C" fn(*mut Fts5Context, pnRow: *mut sqlite3_int64) -> c_int>,
    pub xColumnTotalSize:
        Option<unsafe extern "C" fn(*mut Fts5Context, iCol: c_int, pnToken: *mut sqlite3_int64) -> c_int>,
    pub xTokenize: Option<
        unsafe extern "C" fn(
            *mut Fts5Context,
            pText: *const c_char,
            nText: c_int,
            pCtx: *mut c_void,
            xToken: TakeToken,
        ) -> c_int,
    >,
    pub xPhraseCount: Option<unsafe extern "C" fn(*mut Fts5Context) -> c_int>,
    pub xPhraseSize: Option<unsafe extern "C" fn(*mut Fts5Context, iPhrase: c_int) -> c_int>,
    pub xInstCount: Option<unsafe extern "C" fn(*mut Fts5Context, pnInst: *mut c_int) -> c_int>,
    pub xInst: Option<
        unsafe extern "C" fn(
            *mut Fts5Context,
            iIdx: c_int,
            piPhrase: *mut c_int,
            piCol: *mut c_int,
            piOff: *mut c_int,
        ) -> c_int,
    >,
    pub xRowid: Option<unsafe extern "C" fn(*mut Fts5Context) -> sqlite3_int64>,
    pub xColumnText: Option<
        unsafe extern "C" fn(*mut Fts5Context, iCol: c_int, pz: *mut *const c_char, pn: *mut c_int) -> c_int,
    >,
    pub xColumnSize:
        Option<unsafe extern "C" fn(*mut Fts5Context, iCol: c_int, pnToken: *mut c_int) -> c_int>,
    pub xQueryPhrase: Option<
        unsafe extern "C" fn(
            *mut Fts5Context,
            iPhrase: c_int,
            pUserData: *mut c_void,
            Option<unsafe extern "C" fn(*const Fts5ExtensionApi, *mut Fts5Context, *mut c_void) -> c_int>,
        ) -> c_int,
    >,
    pub xSetAuxdata: Option<
        unsafe extern "C" fn(
            *mut Fts5Context,
            pAux: *mut c_void,
            xDelete: Option<unsafe extern "C" fn(*mut c_void)>,
        ) -> c_int,
    >,
    pub xGetAuxdata: Option<unsafe extern "C" fn(*mut Fts5Context, bClear: c_int) -> *mut c_void>,
    pub xPhraseFirst: Option<
        unsafe extern "C" fn(
            *mut Fts5Context,
            iPhrase: c_int,
            *mut Fts5PhraseIter,
            *mut c_int,
            *mut c_int,
        ) -> c_int,
    >,
    pub xPhraseNext: Option<
        unsafe extern "C" fn(*mut Fts5Context, *mut Fts5PhraseIter, piCol: *mut c_int, piOff: *mut c_int),
    >,
    pub xPhraseFirstColumn: Option<
        unsafe extern "C" fn(*mut Fts5Context, iPhrase: c_int, *mut Fts5PhraseIter, *mut c_int) -> c_int,
    >,
    pub xPhraseNextColumn:
        Option<unsafe extern "C" fn(*mut Fts5Context, *mut Fts5PhraseIter, piCol: *mut c_int)>,
    pub xQueryToken: Option<
        unsafe extern "C" fn(
            *mut Fts5Context,
            iPhrase: c_int,
            iToken: c_int,
            ppToken: *mut *const c_char,
            pnToken: *mut c_int,
        ) -> c_int,
    >,
    pub xInstToken: Option<
        unsafe extern "C" fn(
            *mut Fts5Context,
            iIdx: c_int,
            iToken: c_int,
            *mut *const c_char,
            *mut c_int,
        ) -> c_int,
    >,
    pub xColumnLocale: Option<
        unsafe extern "C" fn(*mut Fts5Context, iCol: c_int, pz: *mut *const c_char, pn: *mut c_int) -> c_int,
    >,
    pub xTokenize_v2: Option<
        unsafe extern "C" fn(
            *mut Fts5Context,
            pText: *const c_char,
            nText: c_int,
            pLocale: *const c_char,
            nLocale: c_int,
            pCtx: *mut c_void,
            xToken: TakeToken,
        ) -> c_int,
    >,
}

/// A tokenizer that knows locales.
#[repr(C)]
pub struct fts5_tokenizer_v2 {
    pub iVersion: c_int,
    pub xCreate: Option<
        unsafe extern "C" fn(
            *mut c_void,
            azArg: *mut *const c_char,
            nArg: c_int,
            ppOut: *mut *mut Fts5Tokenizer,
        ) -> c_int,
    >,
    pub xDelete: Option<unsafe extern "C" fn(*mut Fts5Tokenizer)>,
    pub xTokenize: Option<
        unsafe extern "C" fn(
            *mut Fts5Tokenizer,
            pCtx: *mut c_void,
            flags: c_int,
            pText: *const c_char,
            nText: c_int,
            pLocale: *const c_char,
            nLocale: c_int,
            xToken: TakeToken,
        ) -> c_int,
    >,
}

/// A tokenizer.
#[repr(C)]
pub struct fts5_tokenizer {
    pub xCreate: Option<
        unsafe extern "C" fn(
            *mut c_void,
            azArg: *mut *const c_char,
            nArg: c_int,
            ppOut: *mut *mut Fts5Tokenizer,
        ) -> c_int,
    >,
    pub xDelete: Option<unsafe extern "C" fn(*mut Fts5Tokenizer)>,
    pub xTokenize: Option<
        unsafe extern "C" fn(
            *mut Fts5Tokenizer,
            pCtx: *mut c_void,
            flags: c_int,
            pText: *const c_char,
            nText: c_int,
            xToken: TakeToken,
        ) -> c_int,
    >,
}

/// Where tokenizers and auxiliary functions are registered.
#[repr(C)]
pub struct fts5_api {
    pub iVersion: c_int,
    pub xCreateTokenizer: Option<
        unsafe extern "C" fn(
            pApi: *mut fts5_api,
            zName: *const c_char,
            pUserData: *mut c_void,
            pTokenizer: *mut fts5_tokenizer,
            xDestroy: Option<unsafe extern "C" fn(*mut c_void)>,
        ) -> c_int,
    >,
    pub xFindTokenizer: Option<
        unsafe extern "C" fn(
            pApi: *mut fts5_api,
            zName: *const c_char,
            ppUserData: *mut *mut c_void,
            pTokenizer: *mut fts5_tokenizer,
        ) -> c_int,
    >,
    pub xCreateFunction: Option<
        unsafe extern "C" fn(
            pApi: *mut fts5_api,
            zName: *const c_char,
            pUserData: *mut c_void,
            xFunction: fts5_extension_function,
            xDestroy: Option<unsafe extern "C" fn(*mut c_void)>,
        ) -> c_int,
    >,
    pub xCreateTokenizer_v2: Option<
        unsafe extern "C" fn(
            pApi: *mut fts5_api,
            zName: *const c_char,
            pUserData: *mut c_void,
            pTokenizer: *mut fts5_tokenizer_v2,
            xDestroy: Option<unsafe extern "C" fn(*mut c_void)>,
        ) -> c_int,
    >,
    pub xFindTokenizer_v2: Option<
        unsafe extern "C" fn(
            pApi: *mut fts5_api,
            zName: *const c_char,
            ppUserData: *mut *mut c_void,
            ppTokenizer: *mut *mut fts5_tokenizer_v2,
        ) -> c_int,
    >,
}
