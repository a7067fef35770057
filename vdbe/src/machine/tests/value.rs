//! Values: arithmetic, comparisons with NULL, conversions, records.

use super::*;
use crate::op::{AffinityId, CollationId};

/// One comparison of two registers; whether it jumps.
fn jumps(make: impl FnOnce(&mut Builder) -> (Reg, Reg), op: impl Fn(Reg, Reg, crate::Addr) -> Op) -> bool {
    let found = rows(|b| {
        let (left, right) = make(b);
        let out = integers(b, &[1]);
        let there = b.label();
        b.emit(op(left, right, there));
        b.emit(Op::Integer { value: 0, out });
        b.bind(there);
        b.emit(Op::ResultRow { first: out, count: 1 });
    });
    found == ["1"]
}

fn nulls(b: &mut Builder) -> (Reg, Reg) {
    let first = b.alloc_regs(2);
    b.emit(Op::Null { first, last: first.plus(1), cleared: false });
    (first, first.plus(1))
}

#[test]
fn null_compares_with_nothing_unless_it_is_asked_for() {
    let flags = |jump_if_null, null_eq| CompareFlags { affinity: b'A', jump_if_null, null_eq };
    let eq = |flags| move |left, right, to| Op::Eq { left, right, to, flags, collation: CollationId(0) };
    let ne = |flags| move |left, right, to| Op::Ne { left, right, to, flags, collation: CollationId(0) };
    assert!(!jumps(nulls, eq(flags(false, false))));
    assert!(jumps(nulls, eq(flags(true, false))));
    assert!(jumps(nulls, eq(flags(false, true))));
    assert!(!jumps(nulls, ne(flags(false, true))));
    let one_null = |b: &mut Builder| {
        let (null, _) = nulls(b);
        (integers(b, &[1]), null)
    };
    assert!(!jumps(one_null, eq(flags(false, true))));
    assert!(jumps(one_null, ne(flags(false, true))));
    let cleared = |b: &mut Builder| {
        let first = b.alloc_regs(2);
        b.emit(Op::Null { first, last: first.plus(1), cleared: true });
        (first, first.plus(1))
    };
    assert!(!jumps(cleared, eq(flags(false, true))), "a cleared NULL equals no other");
}

#[test]
fn affinity_decides_how_text_and_numbers_compare() {
    let lt = |affinity| {
        move |left, right, to| Op::Lt {
            left,
            right,
            to,
            flags: CompareFlags { affinity, jump_if_null: false, null_eq: false },
            collation: CollationId(0),
        }
    };
    let ten_and_nine = |b: &mut Builder| (text(b, "10"), integers(b, &[9]));
    assert!(!jumps(ten_and_nine, lt(b'C')), "10 < 9 as numbers");
    assert!(jumps(ten_and_nine, lt(b'B')), "'10' < '9' as text");
}

#[test]
fn logic_has_three_values() {
    let found = rows(|b| {
        let values = b.alloc_regs(3);
        b.emit(Op::Integer { value: 0, out: values });
        b.emit(Op::Integer { value: 1, out: values.plus(1) });
        b.emit(Op::Null { first: values.plus(2), last: Reg(0), cleared: false });
        let out = b.alloc_regs(2);
        for left in 0..3 {
            for right in 0..3 {
                let (left, right) = (values.plus(left), values.plus(right));
                b.emit(Op::And { left, right, out });
                b.emit(Op::Or { left, right, out: out.plus(1) });
                b.emit(Op::ResultRow { first: out, count: 2 });
            }
        }
    });
    assert_eq!(found, ["0|0", "0|1", "0|NULL", "0|1", "1|1", "NULL|1", "0|NULL", "NULL|1", "NULL|NULL"]);
}

#[test]
fn is_true_and_its_kin() {
    // x IS TRUE, x IS NOT TRUE, x IS FALSE, x IS NOT FALSE, with SQLite's P3 and P4.
    let cases = [(false, false), (false, true), (true, true), (true, false)];
    let found = rows(|b| {
        let values = b.alloc_regs(2);
        b.emit(Op::Integer { value: 5, out: values });
        b.emit(Op::Null { first: values.plus(1), last: Reg(0), cleared: false });
        let out = b.alloc_regs(2);
        for (null_gives, negate) in cases {
            for at in 0..2 {
                b.emit(Op::IsTrue { value: values.plus(at), out: out.plus(at), null_gives, negate });
            }
            b.emit(Op::ResultRow { first: out, count: 2 });
        }
    });
    assert_eq!(found, ["1|0", "0|1", "0|0", "1|1"]);
}

#[test]
fn records_go_through_a_pseudo_cursor_and_back() {
    let found = rows(|b| {
        let values = b.alloc_regs(4);
        b.emit(Op::Integer { value: 300, out: values });
        let word = b.text("word");
        b.emit(Op::Const { value: word, out: values.plus(1) });
        b.emit(Op::Null { first: values.plus(2), last: Reg(0), cleared: false });
        let half = b.constant(ValueRef::Real(0.5));
        b.emit(Op::Const { value: half, out: values.plus(3) });
        let record = b.alloc_reg();
        b.emit(Op::MakeRecord { first: values, count: 4, out: record, affinities: AffinityId(0) });
        let cursor = b.alloc_cursor();
        b.emit(Op::OpenPseudo { cursor, content: record, columns: 5 });
        let out = b.alloc_regs(5);
        let default = b.text("default");
        for column in [3u16, 0, 1, 2, 4] {
            b.emit(Op::Column { cursor, column, out: out.plus(u32::from(column)), default, hint: 0 });
        }
        b.emit(Op::ResultRow { first: out, count: 5 });
        b.emit(Op::NullRow { cursor });
        b.emit(Op::Column { cursor, column: 0, out, default, hint: 0 });
        b.emit(Op::ResultRow { first: out, count: 1 });
    });
    // A pseudo cursor has no row to lose: after NullRow it reads its register anew, as SQLite's does.
    assert_eq!(found, ["300|'word'|NULL|0.5|'default'", "300"]);
}

#[test]
fn a_real_column_stores_whole_numbers_as_integers_and_shows_reals() {
    let found = rows(|b| {
        let value = integers(b, &[3]);
        let letters = b.affinity(b"E");
        b.emit(Op::Affinity { first: value, count: 1, affinities: letters });
        b.emit(Op::ResultRow { first: value, count: 1 });
        let record = b.alloc_reg();
        let whole = integers(b, &[3]);
        b.emit(Op::MakeRecord { first: whole, count: 1, out: record, affinities: letters });
        b.emit(Op::ResultRow { first: record, count: 1 });
    });
    assert_eq!(found, ["3.0", "x'020103'"]);
}

#[test]
fn concatenation_takes_numbers_and_nulls() {
    let found = rows(|b| {
        let (word, number) = (text(b, "n="), integers(b, &[-7]));
        let out = b.alloc_reg();
        b.emit(Op::Concat { left: word, right: number, out });
        b.emit(Op::ResultRow { first: out, count: 1 });
        b.emit(Op::Concat { left: out, right: out, out });
        b.emit(Op::ResultRow { first: out, count: 1 });
        let null = b.alloc_reg();
        b.emit(Op::Null { first: null, last: Reg(0), cleared: false });
        b.emit(Op::Concat { left: out, right: null, out });
        b.emit(Op::ResultRow { first: out, count: 1 });
    });
    assert_eq!(found, ["'n=-7'", "'n=-7n=-7'", "NULL"]);
}

#[test]
fn integers_overflow_into_reals() {
    let found = rows(|b| {
        let (max, one) = (b.alloc_reg(), integers(b, &[1]));
        let value = b.constant(ValueRef::Integer(i64::MAX));
        b.emit(Op::Const { value, out: max });
        let out = b.alloc_reg();
        b.emit(Op::Add { left: max, right: one, out });
        b.emit(Op::ResultRow { first: out, count: 1 });
    });
    assert_eq!(found, ["9.223372036854776e18"]);
}

#[test]
fn must_be_int_converts_or_complains() {
    let error = run(|b| {
        let value = text(b, "1.5");
        b.emit(Op::MustBeInt { value, to: crate::Addr(0) });
    });
    assert_eq!(error.unwrap_err().to_string(), "datatype mismatch");
    let found = rows(|b| {
        let value = text(b, " 12 ");
        b.emit(Op::MustBeInt { value, to: crate::Addr(0) });
        b.emit(Op::ResultRow { first: value, count: 1 });
    });
    assert_eq!(found, ["12"]);
}

#[test]
fn built_in_functions_run_inline_and_see_the_collation() {
    let found = rows(|b| {
        let upper = function(b, "upper", 1);
        let max = function(b, "max", 2);
        let values = b.alloc_regs(2);
        for (step, word) in ["abc", "ABD"].into_iter().enumerate() {
            let value = b.text(word);
            b.emit(Op::Const { value, out: values.plus(step as u32) });
        }
        let out = b.alloc_regs(3);
        b.emit(Op::Function { function: upper, first: values, count: 1, out, constant_mask: 0 });
        b.emit(Op::CollSeq { collation: CollationId(0), flag: Reg(0) });
        b.emit(Op::Function { function: max, first: values, count: 2, out: out.plus(1), constant_mask: 0 });
        let nocase = b.collation("NOCASE", Collation::NoCase);
        b.emit(Op::CollSeq { collation: nocase, flag: Reg(0) });
        b.emit(Op::Function { function: max, first: values, count: 2, out: out.plus(2), constant_mask: 0 });
        b.emit(Op::ResultRow { first: out, count: 3 });
    });
    assert_eq!(found, ["'ABC'|'abc'|'ABD'"]);
}

#[test]
fn parameters_are_bound_from_outside() {
    let mut builder = build(|b| {
        let out = b.alloc_regs(2);
        b.emit(Op::Variable { number: 1, out });
        b.emit(Op::Variable { number: 2, out: out.plus(1) });
        b.emit(Op::ResultRow { first: out, count: 2 });
    });
    builder.flags().read_only = true;
    let mut machine = Machine::new(Arc::new(builder.finish().unwrap()));
    machine.parameter_mut(2).unwrap().set_text(b"two");
    assert!(machine.parameter_mut(3).is_none() && machine.parameter_mut(0).is_none());
    let (mut storage, mut host) = (Storage::default(), TestHost::new());
    for _ in 0..2 {
        assert_eq!(drive(&mut machine, &mut storage, &mut host).unwrap(), ["NULL|'two'"]);
        machine.reset(&mut storage, &mut host).unwrap();
    }
}
