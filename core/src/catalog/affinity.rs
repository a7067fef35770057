//! The affinity that the words of a declared type give, and the width that they promise.
//!
//! Spec: Datatypes In SQLite, "Determination Of Column Affinity".

use crate::bound::{AFFINITY_BLOB, AFFINITY_INTEGER, AFFINITY_NUMERIC, AFFINITY_REAL, AFFINITY_TEXT};

/// The affinity of a declared type.
pub fn type_affinity(declared: &[u8]) -> u8 {
    let mut affinity = AFFINITY_NUMERIC;
    for at in 0..declared.len() {
        let starts = |word: &[u8]| {
            declared.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word))
        };
        if starts(b"INT") {
            return AFFINITY_INTEGER;
        }
        if starts(b"CHAR") || starts(b"CLOB") || starts(b"TEXT") {
            affinity = AFFINITY_TEXT;
        } else if starts(b"BLOB") && matches!(affinity, AFFINITY_NUMERIC | AFFINITY_REAL) {
            affinity = AFFINITY_BLOB;
        } else if (starts(b"REAL") || starts(b"FLOA") || starts(b"DOUB")) && affinity == AFFINITY_NUMERIC {
            affinity = AFFINITY_REAL;
        }
    }
    affinity
}

/// The width of a column, where an integer is 1: `VARCHAR(n)` and `BLOB(n)` are n / 4 + 1, other text and blobs 5.
pub fn type_size_estimate(declared: &[u8], affinity: u8) -> u8 {
    if affinity >= AFFINITY_NUMERIC {
        return 1;
    }
    let digits = |text: &[u8]| -> usize {
        let first = text.iter().position(u8::is_ascii_digit).unwrap_or(text.len());
        let number = text[first..].iter().take_while(|byte| byte.is_ascii_digit());
        number
            .fold(0usize, |value, &digit| value.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
    };
    let find = |word: &[u8]| declared.windows(word.len()).rposition(|part| part.eq_ignore_ascii_case(word));
    let sized = if affinity < AFFINITY_TEXT {
        // Only the last BLOB( of the text counts.
        find(b"BLOB").map(|at| at + 4).filter(|&at| declared.get(at) == Some(&b'('))
    } else {
        find(b"CHAR").map(|at| at + 4)
    };
    match sized {
        Some(at) => u8::try_from(digits(&declared[at..]) / 4 + 1).unwrap_or(255),
        None => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_type_decide_in_order() {
        for (declared, affinity) in [
            ("INT", b'D'),
            ("CHARINT", b'D'),
            ("VARCHAR(10)", b'B'),
            ("BLOB", b'A'),
            ("", b'C'),
            ("DOUBLE PRECISION", b'E'),
            ("FLOATING POINT", b'D'),
            ("DECIMAL(10,5)", b'C'),
            ("CLOB", b'B'),
            ("REALBLOB", b'A'),
        ] {
            assert_eq!(type_affinity(declared.as_bytes()), affinity, "{declared}");
        }
    }
}
