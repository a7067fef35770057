#![doc = "SQLite's SQL grammar: text to syntax tree and back."]
