//! Databases to try things on: one schema with everything that the file format has, filled from a seed.
//!
//! Rows of a few bytes and of many pages, an index with DESC and collations, a partial one and one on an expression, a WITHOUT ROWID table,
//! an autoincrement table, a view, a trigger that keeps a log, and rows deleted again, so that there is a freelist.

use crate::engine::Engine;
use crate::random::Random;

/// How a file is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub page_size: u32,
    pub encoding: &'static str,
    pub auto_vacuum: &'static str,
    pub journal_mode: &'static str,
}

impl Layout {
    /// The pragmas that lay a new file out so. They come before anything else.
    pub fn pragmas(&self) -> String {
        format!(
            "PRAGMA page_size={}; PRAGMA encoding='{}'; PRAGMA auto_vacuum={}; PRAGMA journal_mode={};",
            self.page_size, self.encoding, self.auto_vacuum, self.journal_mode
        )
    }
}

/// The page sizes that the format knows.
pub const PAGE_SIZES: [u32; 8] = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
pub const ENCODINGS: [&str; 3] = ["UTF-8", "UTF-16le", "UTF-16be"];
pub const AUTO_VACUUMS: [&str; 3] = ["none", "full", "incremental"];

/// The schema.
pub const SCHEMA: &str = "
    CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, price REAL, note TEXT COLLATE NOCASE, data BLOB);
    CREATE INDEX item_name ON item(name DESC, price);
    CREATE INDEX item_note ON item(note, id DESC);
    CREATE INDEX item_dear ON item(price) WHERE price > 50;
    CREATE INDEX item_length ON item(length(name));
    CREATE UNIQUE INDEX item_trimmed ON item(name COLLATE RTRIM, id);
    CREATE TABLE pair(a TEXT, b INTEGER, c BLOB, PRIMARY KEY(a, b DESC)) WITHOUT ROWID;
    CREATE INDEX pair_b ON pair(b);
    CREATE TABLE log(nr INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT);
    CREATE TRIGGER item_gone AFTER DELETE ON item BEGIN INSERT INTO log(what) VALUES('gone ' || old.id); END;
    CREATE VIEW dear AS SELECT id, name FROM item WHERE price > 50;";

const WORDS: [&str; 8] = ["alpha", "Beta", "gamma  ", "DELTA", "épsilon", "ζήτα", "eta 𝄞", ""];

fn text_literal(random: &mut Random, long: usize) -> String {
    let word = *random.pick(&WORDS);
    let times = if random.one_in(6) { random.below(long / 6 + 1) } else { random.below(4) };
    let nr = random.below(1000);
    format!("'{}{nr}'", word.repeat(times))
}

fn item_values(random: &mut Random, long: usize) -> String {
    let name = if random.one_in(9) { "NULL".to_string() } else { text_literal(random, 60) };
    let price = match random.below(4) {
        0 => "NULL".to_string(),
        1 => random.below(100).to_string(),
        _ => format!("{}.{}", random.below(100), random.below(1000)),
    };
    let data = match random.below(5) {
        0 => "NULL".to_string(),
        1 => format!("zeroblob({})", random.below(long)),
        2 => format!("x'{:016x}'", random.number()),
        3 => format!("{}", random.number() as i64 >> random.below(63)),
        _ => text_literal(random, long),
    };
    format!("{name}, {price}, {}, {data}", text_literal(random, 30))
}

/// Fills a new database: about `rows` rows in the large table. Values grow with the page size, so that some have overflow pages.
pub fn fill(engine: &mut dyn Engine, layout: &Layout, rows: usize, random: &mut Random) {
    engine.must(&layout.pragmas());
    engine.must("PRAGMA synchronous=OFF");
    engine.must(SCHEMA);
    engine.must("BEGIN");
    let long = layout.page_size as usize * 3;
    for id in 0..rows {
        engine.must(&format!("INSERT INTO item VALUES({}, {})", id * 3, item_values(random, long)));
        let a = text_literal(random, 20);
        engine.must(&format!("INSERT OR IGNORE INTO pair VALUES({a}, {}, x'0102')", random.below(20)));
    }
    engine.must("COMMIT");
    engine.must("DELETE FROM item WHERE id % 5 = 1");
}

/// Changes a filled database here and there. Deterministic but for what the file holds.
pub fn change(engine: &mut dyn Engine, layout: &Layout, random: &mut Random) {
    let long = layout.page_size as usize * 3;
    engine.must("BEGIN");
    for _ in 0..12 {
        let id = random.below(200);
        let values = item_values(random, long);
        match random.below(6) {
            0 | 1 => engine.must(&format!("INSERT OR REPLACE INTO item VALUES({id}, {values})")),
            2 => engine.must(&format!("DELETE FROM item WHERE id BETWEEN {id} AND {}", id + 7)),
            3 => {
                engine.must(&format!("UPDATE item SET name = name || 'x', price = price + 1 WHERE id > {id}"))
            }
            4 => {
                let a = text_literal(random, 20);
                engine
                    .must(&format!("INSERT OR REPLACE INTO pair VALUES({a}, {id}, zeroblob({}))", long / 2));
            }
            _ => engine.must(&format!("DELETE FROM pair WHERE b % 7 = {}", id % 7)),
        }
    }
    engine.must("COMMIT");
    if layout.auto_vacuum == "incremental" {
        engine.must("PRAGMA incremental_vacuum(3)");
    }
    match random.below(4) {
        0 => engine
            .must("CREATE TABLE IF NOT EXISTS extra(x); INSERT INTO extra SELECT note FROM item LIMIT 9"),
        1 => engine.must("DROP TABLE IF EXISTS extra"),
        2 => engine.must("CREATE INDEX IF NOT EXISTS item_data ON item(data)"),
        _ => engine.must("DROP INDEX IF EXISTS item_data; REINDEX item_note"),
    }
}
