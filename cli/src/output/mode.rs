//! Output modes: every setting of how rows become text, and the table of named modes.
//!
//! A named mode is a row of [`MODES`]: the settings that it sets; all others stay as they are. Two more names reset everything: `batch`,
//! for scripts, and `tty`, for people.

use super::Escape;

/// How rows are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Box,
    Column,
    Count,
    Html,
    Insert,
    Json,
    JsonObject,
    Line,
    List,
    Markdown,
    Off,
    Table,
}

impl Style {
    /// Whether columns are lined up over all rows.
    pub fn is_columnar(self) -> bool {
        matches!(self, Style::Box | Style::Column | Style::Markdown | Style::Table)
    }
}

macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($variant:ident => $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($variant),* }

        impl $type {
            /// Name as the shell spells it.
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name),* }
            }

            /// The value of a name, in any case of its letters.
            pub fn of_name(name: &str) -> Option<$type> {
                [$($type::$variant),*].into_iter().find(|value| value.name().eq_ignore_ascii_case(name))
            }
        }
    };
}

named!(
    /// How text is quoted.
    TextQuote { Plain => "off", Sql => "sql", Csv => "csv", Html => "html", Tcl => "tcl", Json => "json", Relaxed => "relaxed" }
);

named!(
    /// How blobs are written. `Auto` follows the quoting of text.
    BlobQuote {
        Auto => "auto", Text => "text", Sql => "sql", Hex => "hex", Tcl => "tcl", Json => "json", Size => "size",
    }
);

named!(
    /// Where in its column a value stands. `Auto`: numbers right, all else left.
    Align { Auto => "", Left => "L", Center => "C", Right => "R" }
);

/// A setting that may be left to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toggle {
    Auto,
    Off,
    On,
}

/// Whether titles are shown, and who said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Titles {
    /// As the mode has it.
    Mode(bool),
    /// As `.headers` has it: changing the mode leaves it.
    Forced(bool),
}

impl Titles {
    /// Whether titles are shown.
    pub fn shown(self) -> bool {
        let (Titles::Mode(shown) | Titles::Forced(shown)) = self;
        shown
    }
}

/// How wide the output may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreenWidth {
    /// As wide as the terminal.
    Auto,
    /// So many columns; 0: no limit.
    Columns(usize),
}

/// How much of a value is shown; 0: all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Lines of a value.
    pub lines: usize,
    /// Columns of a value.
    pub columns: usize,
    /// Columns of a title.
    pub title: usize,
}

impl Limits {
    /// What `--limits on` sets.
    pub const ON: Limits = Limits { lines: 5, columns: 300, title: 20 };
}

/// All settings of the output.
#[derive(Clone, Debug, PartialEq)]
pub struct Mode {
    /// The name that it was chosen by.
    pub name: String,
    pub style: Style,
    pub quote: TextQuote,
    pub title_quote: TextQuote,
    pub blob_quote: BlobQuote,
    pub titles: Titles,
    pub null: String,
    pub column_separator: String,
    pub row_separator: String,
    pub table_name: String,
    pub escape: Escape,
    pub border: bool,
    pub word_wrap: Toggle,
    /// Widest column; 0: no limit.
    pub wrap: usize,
    /// Fixed widths of the first columns; 0: as wide as needed; negative: aligned right.
    pub widths: Vec<i32>,
    pub align: Vec<Align>,
    pub screen_width: ScreenWidth,
    pub limits: Limits,
    pub text_jsonb: bool,
    /// Size in bytes up to which rows share an INSERT; 0: each has its own.
    pub multi_insert: usize,
    /// A result of one column goes into as many columns as fit the screen.
    pub split: bool,
}

/// A named mode: what it sets.
pub struct ModeDef {
    pub name: &'static str,
    pub style: Style,
    pub quote: TextQuote,
    /// Quoting of titles; `None` where there is nothing to choose.
    pub title_quote: Option<TextQuote>,
    pub blob_quote: BlobQuote,
    pub titles: bool,
    pub null: &'static str,
    /// Separators of columns and rows; `None` leaves what is.
    pub separators: Option<(&'static str, &'static str)>,
    pub border: bool,
}

const fn def(
    name: &'static str,
    style: Style,
    quote: TextQuote,
    titles: Option<(bool, TextQuote)>,
) -> ModeDef {
    ModeDef {
        name,
        style,
        quote,
        title_quote: match titles {
            Some((_, quote)) => Some(quote),
            None => None,
        },
        blob_quote: BlobQuote::Auto,
        titles: matches!(titles, Some((true, _))),
        null: "",
        separators: None,
        border: true,
    }
}

const OFF: Option<(bool, TextQuote)> = Some((false, TextQuote::Plain));
const ON: Option<(bool, TextQuote)> = Some((true, TextQuote::Plain));

/// The named modes in alphabetical order.
pub const MODES: &[ModeDef] = &[
    ModeDef { separators: Some(("\x1f", "\x1e")), ..def("ascii", Style::List, TextQuote::Plain, OFF) },
    def("box", Style::Box, TextQuote::Plain, ON),
    ModeDef {
        separators: Some((",", "\n")),
        null: "NULL",
        blob_quote: BlobQuote::Tcl,
        ..def("c", Style::List, TextQuote::Tcl, Some((false, TextQuote::Tcl)))
    },
    def("column", Style::Column, TextQuote::Plain, ON),
    def("count", Style::Count, TextQuote::Plain, None),
    ModeDef {
        separators: Some((",", "\r\n")),
        ..def("csv", Style::List, TextQuote::Csv, Some((false, TextQuote::Csv)))
    },
    def("html", Style::Html, TextQuote::Html, Some((true, TextQuote::Html))),
    ModeDef { null: "NULL", ..def("insert", Style::Insert, TextQuote::Sql, OFF) },
    ModeDef {
        separators: Some((",", "\n")),
        null: "null",
        ..def("jatom", Style::List, TextQuote::Json, Some((false, TextQuote::Json)))
    },
    ModeDef { null: "null", ..def("jobject", Style::JsonObject, TextQuote::Json, None) },
    ModeDef { null: "null", ..def("json", Style::Json, TextQuote::Json, None) },
    ModeDef { separators: Some((": ", "\n")), ..def("line", Style::Line, TextQuote::Plain, None) },
    ModeDef { separators: Some(("|", "\n")), ..def("list", Style::List, TextQuote::Plain, OFF) },
    def("markdown", Style::Markdown, TextQuote::Plain, ON),
    def("off", Style::Off, TextQuote::Plain, None),
    ModeDef { border: false, ..def("psql", Style::Table, TextQuote::Plain, ON) },
    ModeDef { null: "NULL", ..def("qbox", Style::Box, TextQuote::Sql, ON) },
    ModeDef {
        separators: Some((",", "\n")),
        null: "NULL",
        ..def("quote", Style::List, TextQuote::Sql, Some((false, TextQuote::Sql)))
    },
    def("split", Style::Column, TextQuote::Plain, OFF),
    def("table", Style::Table, TextQuote::Plain, ON),
    ModeDef {
        separators: Some(("\t", "\n")),
        ..def("tabs", Style::List, TextQuote::Csv, Some((false, TextQuote::Csv)))
    },
    ModeDef {
        separators: Some((" ", "\n")),
        null: "\"\"",
        blob_quote: BlobQuote::Tcl,
        ..def("tcl", Style::List, TextQuote::Tcl, Some((false, TextQuote::Tcl)))
    },
];

impl ModeDef {
    /// The named mode.
    pub fn find(name: &str) -> Option<&'static ModeDef> {
        MODES.iter().find(|mode| mode.name == name)
    }
}

impl Mode {
    /// For scripts: a list with nothing added.
    pub fn batch() -> Mode {
        let mut mode = Mode {
            name: String::new(),
            style: Style::List,
            quote: TextQuote::Plain,
            title_quote: TextQuote::Plain,
            blob_quote: BlobQuote::Auto,
            titles: Titles::Mode(false),
            null: String::new(),
            column_separator: String::new(),
            row_separator: String::new(),
            table_name: String::new(),
            escape: Escape::Auto,
            border: true,
            word_wrap: Toggle::Auto,
            wrap: 0,
            widths: Vec::new(),
            align: Vec::new(),
            screen_width: ScreenWidth::Columns(0),
            limits: Limits::default(),
            text_jsonb: false,
            multi_insert: 0,
            split: false,
        };
        mode.choose("list");
        mode
    }

    /// For people: boxes as wide as the terminal, long values cut.
    pub fn tty() -> Mode {
        let mut mode = Mode::batch();
        mode.choose("qbox");
        mode.column_separator.clear();
        mode.row_separator.clear();
        mode.quote = TextQuote::Relaxed;
        mode.limits = Limits::ON;
        mode.screen_width = ScreenWidth::Auto;
        mode.text_jsonb = true;
        mode.multi_insert = 3000;
        mode
    }

    /// How text is quoted: as the style demands, else as was asked.
    pub fn text_quote(&self) -> TextQuote {
        match self.style {
            Style::Json | Style::JsonObject => TextQuote::Json,
            Style::Html => TextQuote::Html,
            Style::Insert => TextQuote::Sql,
            _ => self.quote,
        }
    }

    /// Changes to a named mode; `false` for an unknown name.
    pub fn choose(&mut self, name: &str) -> bool {
        match name {
            "batch" => *self = Mode::batch(),
            "tty" => *self = Mode::tty(),
            _ => {
                let Some(def) = ModeDef::find(name) else { return false };
                self.apply(def);
            }
        }
        true
    }

    fn apply(&mut self, def: &ModeDef) {
        self.name = def.name.to_owned();
        self.style = def.style;
        self.quote = def.quote;
        self.title_quote = def.title_quote.unwrap_or(TextQuote::Plain);
        self.blob_quote = def.blob_quote;
        if let Titles::Mode(_) = self.titles {
            self.titles = Titles::Mode(def.titles);
        }
        self.null = def.null.to_owned();
        if let Some((column, row)) = def.separators {
            self.column_separator = column.to_owned();
            self.row_separator = row.to_owned();
        }
        self.border = def.border;
        self.split = def.name == "split";
        if self.split {
            self.screen_width = ScreenWidth::Auto;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_a_change_of_mode_and_titles_do_not() {
        let mut mode = Mode::batch();
        mode.titles = Titles::Forced(true);
        mode.choose("csv");
        assert!(mode.titles.shown());
        let mut mode = Mode::batch();
        mode.titles = Titles::Mode(true);
        mode.choose("csv");
        assert!(!mode.titles.shown());
    }

    #[test]
    fn columnar_modes_leave_the_separators() {
        let mut mode = Mode::batch();
        mode.choose("csv");
        mode.choose("box");
        assert_eq!((mode.column_separator.as_str(), mode.row_separator.as_str()), (",", "\r\n"));
        mode.choose("list");
        assert_eq!((mode.column_separator.as_str(), mode.row_separator.as_str()), ("|", "\n"));
    }

    #[test]
    fn an_unknown_name_changes_nothing() {
        let mut mode = Mode::batch();
        assert!(!mode.choose("foo"));
        assert_eq!(mode, Mode::batch());
    }
}
