//! The keywords: one table, in the order in which `sqlite3_keyword_name` counts them.
//!
//! A word is looked up by a perfect hash of its first two bytes, its last two bytes and its length, case ignored. The
//! hash's slots are filled when the crate is compiled; a collision would stop the compilation.

use super::token::TokenKind;

/// Every keyword with its kind. Applications see this order through `sqlite3_keyword_name`.
const KEYWORDS: [(&str, TokenKind); 147] = [
    ("REINDEX", TokenKind::Reindex),
    ("INDEXED", TokenKind::Indexed),
    ("INDEX", TokenKind::Index),
    ("DESC", TokenKind::Desc),
    ("ESCAPE", TokenKind::Escape),
    ("EACH", TokenKind::Each),
    ("CHECK", TokenKind::Check),
    ("KEY", TokenKind::Key),
    ("BEFORE", TokenKind::Before),
    ("FOREIGN", TokenKind::Foreign),
    ("FOR", TokenKind::For),
    ("IGNORE", TokenKind::Ignore),
    ("REGEXP", TokenKind::LikeWord),
    ("EXPLAIN", TokenKind::Explain),
    ("INSTEAD", TokenKind::Instead),
    ("ADD", TokenKind::Add),
    ("DATABASE", TokenKind::Database),
    ("AS", TokenKind::As),
    ("SELECT", TokenKind::Select),
    ("TABLE", TokenKind::Table),
    ("LEFT", TokenKind::JoinWord),
    ("THEN", TokenKind::Then),
    ("END", TokenKind::End),
    ("DEFERRABLE", TokenKind::Deferrable),
    ("ELSE", TokenKind::Else),
    ("EXCLUDE", TokenKind::Exclude),
    ("DELETE", TokenKind::Delete),
    ("TEMPORARY", TokenKind::Temp),
    ("TEMP", TokenKind::Temp),
    ("OR", TokenKind::Or),
    ("ISNULL", TokenKind::IsNull),
    ("NULLS", TokenKind::Nulls),
    ("SAVEPOINT", TokenKind::Savepoint),
    ("INTERSECT", TokenKind::Intersect),
    ("TIES", TokenKind::Ties),
    ("NOTNULL", TokenKind::NotNull),
    ("NOT", TokenKind::Not),
    ("NO", TokenKind::No),
    ("NULL", TokenKind::Null),
    ("LIKE", TokenKind::LikeWord),
    ("EXCEPT", TokenKind::Except),
    ("TRANSACTION", TokenKind::Transaction),
    ("ACTION", TokenKind::Action),
    ("ON", TokenKind::On),
    ("NATURAL", TokenKind::JoinWord),
    ("ALTER", TokenKind::Alter),
    ("RAISE", TokenKind::Raise),
    ("EXCLUSIVE", TokenKind::Exclusive),
    ("EXISTS", TokenKind::Exists),
    ("CONSTRAINT", TokenKind::Constraint),
    ("INTO", TokenKind::Into),
    ("OFFSET", TokenKind::Offset),
    ("OF", TokenKind::Of),
    ("SET", TokenKind::Set),
    ("TRIGGER", TokenKind::Trigger),
    ("RANGE", TokenKind::Range),
    ("GENERATED", TokenKind::Generated),
    ("DETACH", TokenKind::Detach),
    ("HAVING", TokenKind::Having),
    ("GLOB", TokenKind::LikeWord),
    ("BEGIN", TokenKind::Begin),
    ("INNER", TokenKind::JoinWord),
    ("REFERENCES", TokenKind::References),
    ("UNIQUE", TokenKind::Unique),
    ("QUERY", TokenKind::Query),
    ("WITHOUT", TokenKind::Without),
    ("WITH", TokenKind::With),
    ("OUTER", TokenKind::JoinWord),
    ("RELEASE", TokenKind::Release),
    ("ATTACH", TokenKind::Attach),
    ("BETWEEN", TokenKind::Between),
    ("NOTHING", TokenKind::Nothing),
    ("GROUPS", TokenKind::Groups),
    ("GROUP", TokenKind::Group),
    ("CASCADE", TokenKind::Cascade),
    ("ASC", TokenKind::Asc),
    ("DEFAULT", TokenKind::Default),
    ("CASE", TokenKind::Case),
    ("COLLATE", TokenKind::Collate),
    ("CREATE", TokenKind::Create),
    ("CURRENT_DATE", TokenKind::CurrentWord),
    ("IMMEDIATE", TokenKind::Immediate),
    ("JOIN", TokenKind::Join),
    ("INSERT", TokenKind::Insert),
    ("MATCH", TokenKind::Match),
    ("PLAN", TokenKind::Plan),
    ("ANALYZE", TokenKind::Analyze),
    ("PRAGMA", TokenKind::Pragma),
    ("MATERIALIZED", TokenKind::Materialized),
    ("DEFERRED", TokenKind::Deferred),
    ("DISTINCT", TokenKind::Distinct),
    ("IS", TokenKind::Is),
    ("UPDATE", TokenKind::Update),
    ("VALUES", TokenKind::Values),
    ("VIRTUAL", TokenKind::Virtual),
    ("ALWAYS", TokenKind::Always),
    ("WHEN", TokenKind::When),
    ("WHERE", TokenKind::Where),
    ("RECURSIVE", TokenKind::Recursive),
    ("ABORT", TokenKind::Abort),
    ("AFTER", TokenKind::After),
    ("RENAME", TokenKind::Rename),
    ("AND", TokenKind::And),
    ("DROP", TokenKind::Drop),
    ("PARTITION", TokenKind::Partition),
    ("AUTOINCREMENT", TokenKind::Autoincrement),
    ("TO", TokenKind::To),
    ("IN", TokenKind::In),
    ("CAST", TokenKind::Cast),
    ("COLUMN", TokenKind::Column),
    ("COMMIT", TokenKind::Commit),
    ("CONFLICT", TokenKind::Conflict),
    ("CROSS", TokenKind::JoinWord),
    ("CURRENT_TIMESTAMP", TokenKind::CurrentWord),
    ("CURRENT_TIME", TokenKind::CurrentWord),
    ("CURRENT", TokenKind::Current),
    ("PRECEDING", TokenKind::Preceding),
    ("FAIL", TokenKind::Fail),
    ("LAST", TokenKind::Last),
    ("FILTER", TokenKind::Filter),
    ("REPLACE", TokenKind::Replace),
    ("FIRST", TokenKind::First),
    ("FOLLOWING", TokenKind::Following),
    ("FROM", TokenKind::From),
    ("FULL", TokenKind::JoinWord),
    ("LIMIT", TokenKind::Limit),
    ("IF", TokenKind::If),
    ("ORDER", TokenKind::Order),
    ("RESTRICT", TokenKind::Restrict),
    ("OTHERS", TokenKind::Others),
    ("OVER", TokenKind::Over),
    ("RETURNING", TokenKind::Returning),
    ("RIGHT", TokenKind::JoinWord),
    ("ROLLBACK", TokenKind::Rollback),
    ("ROWS", TokenKind::Rows),
    ("ROW", TokenKind::Row),
    ("UNBOUNDED", TokenKind::Unbounded),
    ("UNION", TokenKind::Union),
    ("USING", TokenKind::Using),
    ("VACUUM", TokenKind::Vacuum),
    ("VIEW", TokenKind::View),
    ("WINDOW", TokenKind::Window),
    ("DO", TokenKind::Do),
    ("BY", TokenKind::By),
    ("INITIALLY", TokenKind::Initially),
    ("ALL", TokenKind::All),
    ("PRIMARY", TokenKind::Primary),
];

/// Length of the longest keyword, `CURRENT_TIMESTAMP`.
const LENGTH_MAX: usize = 17;

/// Slots of the hash table: a power of two, large enough for a multiplier without collisions to be found quickly.
const SLOTS: usize = 1024;

/// Found by trying random odd numbers until no two keywords shared a slot.
const MULTIPLIER: u32 = 0xc77b_cba9;

/// In each slot the number of a keyword, counted from 1; 0 for an empty slot.
const TABLE: [u8; SLOTS] = fill();

/// The slot of a word of at least two bytes. Clearing bit 5 takes the case from letters, and keeps `_`.
const fn slot(first: u8, second: u8, before_last: u8, last: u8, len: usize) -> usize {
    let ends = u32::from_le_bytes([first, second, before_last, last]) & 0xdfdf_dfdf;
    (ends.wrapping_add(len as u32).wrapping_mul(MULTIPLIER) >> 22) as usize
}

const fn fill() -> [u8; SLOTS] {
    let mut table = [0; SLOTS];
    let mut i = 0;
    while i < KEYWORDS.len() {
        let word = KEYWORDS[i].0.as_bytes();
        let at = slot(word[0], word[1], word[word.len() - 2], word[word.len() - 1], word.len());
        assert!(table[at] == 0, "two keywords share a slot");
        assert!(word.len() <= LENGTH_MAX);
        i += 1;
        table[at] = i as u8;
    }
    table
}

/// The kind of `word` if it is a keyword, in any mixture of cases. `word` consists of letters and `_`.
pub(crate) fn kind_of(word: &[u8]) -> Option<TokenKind> {
    let [first, second, ..] = *word else { return None };
    let [.., before_last, last] = *word else { return None };
    if word.len() > LENGTH_MAX {
        return None;
    }
    let number = TABLE[slot(first, second, before_last, last, word.len())];
    let (keyword, kind) = KEYWORDS.get(usize::from(number).wrapping_sub(1))?;
    // All bytes are letters or `_`, which differ from their other case in bit 5 only (and `_` has none).
    let same = keyword.len() == word.len() && keyword.bytes().zip(word).all(|(a, &b)| (a ^ b) & 0xdf == 0);
    same.then_some(*kind)
}

/// Number of keywords (`sqlite3_keyword_count`).
pub fn keyword_count() -> usize {
    KEYWORDS.len()
}

/// The keyword at `index`, from 0, in upper case (`sqlite3_keyword_name`); `None` past the last.
pub fn keyword_name(index: usize) -> Option<&'static str> {
    KEYWORDS.get(index).map(|(word, _)| *word)
}

/// Whether `word` is a keyword, case ignored (`sqlite3_keyword_check`).
pub fn keyword_check(word: &[u8]) -> bool {
    word.iter().all(|&b| b.is_ascii_alphabetic() || b == b'_') && kind_of(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_in_either_case() {
        for (word, kind) in KEYWORDS {
            assert_eq!(kind_of(word.as_bytes()), Some(kind));
            assert_eq!(kind_of(word.to_ascii_lowercase().as_bytes()), Some(kind));
        }
    }

    #[test]
    fn other_words_are_no_keywords() {
        for word in [
            "",
            "a",
            "selec",
            "selects",
            "rowid",
            "abs",
            "within",
            "current_timestamps",
            "\u{7f}",
            "current\u{7f}date",
        ] {
            assert!(!keyword_check(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn keywords_count_from_reindex_to_primary() {
        assert_eq!(keyword_count(), 147);
        assert_eq!((keyword_name(0), keyword_name(146)), (Some("REINDEX"), Some("PRIMARY")));
        assert_eq!(keyword_name(147), None);
    }
}
