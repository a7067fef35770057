//! Flow: loops, subroutines, coroutines, subprograms, halts, and what stops a program from outside.

use std::sync::Arc;

use super::*;
use crate::function::{
    FunctionBody, FunctionDef, FunctionFlags, UserAggregate, UserAggregateState, UserCall, UserError,
    UserScalar,
};
use crate::machine::Counter;
use crate::op::{Addr, ConstId, SubprogramId};
use crate::program::Program;

#[test]
fn a_loop_counts() {
    let found = rows(|b| {
        let counter = integers(b, &[0, 5]);
        let top = b.emit(Op::AddImm { value: counter, amount: 1 });
        b.emit(Op::ResultRow { first: counter, count: 1 });
        b.emit(Op::Lt {
            left: counter,
            right: counter.plus(1),
            to: top,
            flags: PLAIN,
            collation: Default::default(),
        });
    });
    assert_eq!(found, ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_subroutine_returns_behind_its_call() {
    let found = rows(|b| {
        let value = integers(b, &[10]);
        let ret = b.alloc_reg();
        let (sub, end) = (b.label(), b.label());
        b.emit(Op::Gosub { ret, to: sub });
        b.emit(Op::Gosub { ret, to: sub });
        b.emit(Op::ResultRow { first: value, count: 1 });
        b.emit(Op::Goto { to: end });
        b.bind(sub);
        b.emit(Op::AddImm { value, amount: 1 });
        b.emit(Op::Return { ret, or_fall_through: false });
        b.bind(end);
    });
    assert_eq!(found, ["12"]);
}

#[test]
fn return_falls_through_where_it_may() {
    let found = rows(|b| {
        let value = integers(b, &[1]);
        let ret = b.alloc_reg();
        b.emit(Op::Null { first: ret, last: Reg(0), cleared: false });
        b.emit(Op::Return { ret, or_fall_through: true });
        b.emit(Op::ResultRow { first: value, count: 1 });
    });
    assert_eq!(found, ["1"]);
}

#[test]
fn a_coroutine_hands_out_its_rows_and_ends_for_good() {
    let found = rows(|b| {
        let (co, value) = (b.alloc_reg(), b.alloc_reg());
        let (after, done, again) = (b.label(), b.label(), b.label());
        let init = b.emit(Op::InitCoroutine { co, after, start: Addr(0) });
        let start = b.here();
        if let Op::InitCoroutine { start: slot, .. } = b.op_mut(init) {
            *slot = start;
        }
        for number in [7, 8, 9] {
            b.emit(Op::Integer { value: number, out: value });
            b.emit(Op::Yield { co, done: Addr(0) });
        }
        b.emit(Op::EndCoroutine { co });
        b.bind(after);
        let next = b.emit(Op::Yield { co, done });
        b.emit(Op::ResultRow { first: value, count: 1 });
        b.emit(Op::Goto { to: next });
        b.bind(done);
        b.emit(Op::Yield { co, done: again });
        b.emit(Op::ResultRow { first: value, count: 1 });
        b.bind(again);
    });
    assert_eq!(found, ["7", "8", "9"]);
}

#[test]
fn once_runs_once_a_run_and_again_after_a_reset() {
    let mut builder = build(|b| {
        let counters = integers(b, &[0, 0]);
        let top = b.here();
        let past = b.label();
        b.emit(Op::Once { to: past });
        b.emit(Op::AddImm { value: counters, amount: 1 });
        b.bind(past);
        b.emit(Op::AddImm { value: counters.plus(1), amount: 1 });
        let three = integers(b, &[3]);
        let flags = PLAIN;
        b.emit(Op::Lt {
            left: counters.plus(1),
            right: three,
            to: top,
            flags,
            collation: Default::default(),
        });
        b.emit(Op::ResultRow { first: counters, count: 2 });
    });
    builder.flags().read_only = true;
    let mut machine = Machine::new(Arc::new(builder.finish().unwrap()));
    let (mut storage, mut host) = (Storage::default(), TestHost::new());
    for _ in 0..2 {
        assert_eq!(drive(&mut machine, &mut storage, &mut host).unwrap(), ["1|3"]);
        machine.reset(&mut storage, &mut host).unwrap();
    }
    assert_eq!(machine.counters().get(Counter::Run), 2);
    assert!(machine.counters().get(Counter::VmStep) > 20);
}

#[test]
fn counters_jump_and_count_down() {
    let found = rows(|b| {
        let counter = integers(b, &[3, -2, 0, 5]);
        let (a, c, e, f) = (b.label(), b.label(), b.label(), b.label());
        b.emit(Op::IfPos { counter, to: a, decrement: 2 });
        b.emit(HALT);
        b.bind(a);
        b.emit(Op::IfNotZero { counter: counter.plus(1), to: c });
        b.emit(HALT);
        b.bind(c);
        b.emit(Op::IfPos { counter: counter.plus(2), to: e, decrement: 1 });
        b.emit(Op::DecrJumpZero { counter, to: f });
        b.bind(e);
        b.emit(HALT);
        b.bind(f);
        b.emit(Op::ResultRow { first: counter, count: 3 });
    });
    assert_eq!(found, ["0|-2|0"]);
}

#[test]
fn limit_and_offset_add_up_without_overflow() {
    let found = rows(|b| {
        let first = integers(b, &[10, 5, -1, -3]);
        let huge = b.constant(ValueRef::Integer(i64::MAX));
        let big = b.alloc_reg();
        b.emit(Op::Const { value: huge, out: big });
        let out = b.alloc_regs(4);
        b.emit(Op::OffsetLimit { limit: first, offset: first.plus(1), out });
        b.emit(Op::OffsetLimit { limit: first.plus(2), offset: first.plus(1), out: out.plus(1) });
        b.emit(Op::OffsetLimit { limit: first, offset: first.plus(3), out: out.plus(2) });
        b.emit(Op::OffsetLimit { limit: big, offset: first, out: out.plus(3) });
        b.emit(Op::ResultRow { first: out, count: 4 });
    });
    assert_eq!(found, ["15|-1|10|-1"]);
}

#[test]
fn halt_reports_the_constraint_in_sqlites_words() {
    let failing = |code: HaltCode, text: &'static str| {
        let error = run(|b| {
            let message = if text.is_empty() { ConstId(0) } else { b.name(text.as_bytes()) };
            b.emit(Op::Halt { code, on_conflict: OnConflict::Abort, message });
        })
        .unwrap_err();
        (error.code(), error.to_string())
    };
    let cases = [
        (HaltCode::Unique, "t.a, t.b", 2067, "UNIQUE constraint failed: t.a, t.b"),
        (HaltCode::PrimaryKey, "t.a", 1555, "UNIQUE constraint failed: t.a"),
        (HaltCode::RowId, "t.rowid", 2579, "UNIQUE constraint failed: t.rowid"),
        (HaltCode::NotNull, "t.a", 1299, "NOT NULL constraint failed: t.a"),
        (HaltCode::Check, "positive", 275, "CHECK constraint failed: positive"),
        (HaltCode::ForeignKey, "", 787, "FOREIGN KEY constraint failed"),
        (HaltCode::Trigger, "no way", 1811, "no way"),
        (HaltCode::Mismatch, "", 20, "datatype mismatch"),
    ];
    for (code, text, number, message) in cases {
        assert_eq!(failing(code, text), (number, message.to_owned()));
    }
}

/// A subprogram that adds its argument to register 1 of its own, and what it does then.
fn subprogram(trigger: u32, then: impl FnOnce(&mut Builder, Reg)) -> Arc<Program> {
    let mut b = Builder::new(Encoding::Utf8);
    let value = b.alloc_reg();
    b.emit(Op::Init { to: Addr(1) });
    b.emit(Op::Param { offset: 1, out: value });
    then(&mut b, value);
    b.emit(HALT);
    b.flags().trigger = trigger;
    Arc::new(b.finish().unwrap())
}

fn call(b: &mut Builder, args: Reg, sub: &Arc<Program>, ignore: Addr) -> SubprogramId {
    let sub = b.subprogram(Arc::clone(sub));
    b.emit(Op::Program { args, ignore, sub, recursive_ok: false });
    sub
}

#[test]
fn a_subprogram_has_registers_of_its_own_and_reaches_the_outermost_by_mem_max() {
    let sub = subprogram(1, |b, value| {
        b.emit(Op::AddImm { value, amount: 100 });
        b.emit(Op::MemMax { reg: Reg(1), value });
    });
    let found = rows(|b| {
        let args = integers(b, &[1, 2]);
        let ignore = b.label();
        call(b, args, &sub, ignore);
        b.bind(ignore);
        b.emit(Op::ResultRow { first: args, count: 2 });
    });
    assert_eq!(found, ["102|2"]);
}

#[test]
fn raise_ignore_goes_where_the_caller_says() {
    let sub = subprogram(1, |b, _| {
        b.emit(Op::Halt { code: HaltCode::Ok, on_conflict: OnConflict::Ignore, message: ConstId(0) });
    });
    let found = rows(|b| {
        let args = integers(b, &[1, 2]);
        let ignore = b.label();
        call(b, args, &sub, ignore);
        b.emit(Op::ResultRow { first: args, count: 1 });
        b.bind(ignore);
        b.emit(Op::ResultRow { first: args.plus(1), count: 1 });
    });
    assert_eq!(found, ["2"]);
}

#[test]
fn an_error_in_a_subprogram_ends_the_statement() {
    let sub = subprogram(1, |b, _| {
        let message = b.name(b"stop");
        b.emit(Op::Halt { code: HaltCode::Trigger, on_conflict: OnConflict::Abort, message });
    });
    let error = run(|b| {
        let args = integers(b, &[1, 2]);
        call(b, args, &sub, Addr(0));
        b.emit(Op::ResultRow { first: args, count: 1 });
    });
    assert_eq!(error.unwrap_err().to_string(), "stop");
}

#[test]
fn a_users_function_runs_outside_and_its_error_ends_the_statement() {
    struct Twice;
    impl UserScalar for Twice {
        fn call(
            &self,
            _: &mut UserCall<'_>,
            arguments: &mut [Register],
            result: &mut Register,
        ) -> Result<(), UserError> {
            match arguments[0].value() {
                ValueRef::Integer(number) => result.set_integer(2 * number),
                _ => return Err(UserError { code: 1, message: "not a number".into() }),
            }
            Ok(())
        }
    }
    let twice = Arc::new(FunctionDef {
        name: "twice".into(),
        arguments: 1,
        encoding: Encoding::Utf8,
        flags: FunctionFlags::default(),
        body: FunctionBody::UserScalar(Arc::new(Twice)),
    });
    let program = |b: &mut Builder, argument: Reg| {
        let function = b.function(Arc::clone(&twice));
        let out = b.alloc_reg();
        b.emit(Op::Function { function, first: argument, count: 1, out, constant_mask: 0 });
        b.emit(Op::ResultRow { first: out, count: 1 });
    };
    let found = rows(|b| {
        let argument = integers(b, &[21]);
        program(b, argument);
    });
    assert_eq!(found, ["42"]);
    let error = run(|b| {
        let argument = text(b, "x");
        program(b, argument);
    });
    assert_eq!(error.unwrap_err().to_string(), "not a number");
}

#[test]
fn a_users_aggregate_runs_outside() {
    #[derive(Debug)]
    struct Concat(String);
    impl UserAggregateState for Concat {
        fn step(&mut self, _: Encoding, arguments: &mut [Register]) -> Result<(), UserError> {
            self.0 += &show(&arguments[0]);
            Ok(())
        }
        fn inverse(&mut self, _: Encoding, _: &mut [Register]) -> Result<(), UserError> {
            Err(UserError { code: 1, message: "no window".into() })
        }
        fn value(&mut self, _: Encoding, result: &mut Register) -> Result<(), UserError> {
            result.set_text(self.0.as_bytes());
            Ok(())
        }
        fn finish(&mut self, encoding: Encoding, result: &mut Register) -> Result<(), UserError> {
            self.value(encoding, result)
        }
    }
    struct MakeConcat;
    impl UserAggregate for MakeConcat {
        fn start(&self) -> Box<dyn UserAggregateState> {
            Box::new(Concat(String::new()))
        }
    }
    let found = rows(|b| {
        let function = b.function(Arc::new(FunctionDef {
            name: "concat".into(),
            arguments: 1,
            encoding: Encoding::Utf8,
            flags: FunctionFlags::default(),
            body: FunctionBody::UserAggregate(Arc::new(MakeConcat)),
        }));
        let values = integers(b, &[1, 2, 3]);
        let acc = b.alloc_reg();
        for step in 0..3 {
            b.emit(Op::AggStep { function, first: values.plus(step), count: 1, acc, inverse: false });
        }
        b.emit(Op::AggFinal { function, acc, count: 1 });
        b.emit(Op::ResultRow { first: acc, count: 1 });
    });
    assert_eq!(found, ["'123'"]);
}

/// An endless loop.
fn endless() -> Machine {
    let mut builder = build(|b| {
        let top = b.here();
        b.emit(Op::Goto { to: top });
    });
    builder.flags().read_only = true;
    Machine::new(Arc::new(builder.finish().unwrap()))
}

#[test]
fn an_interrupt_ends_a_loop() {
    let (mut machine, mut storage, mut host) = (endless(), Storage::default(), TestHost::new());
    host.state.progress_interval = 1000;
    assert!(matches!(machine.step(&mut storage, &mut host), Ok(Some(Event::Progress))));
    assert!(matches!(machine.step(&mut storage, &mut host), Ok(Some(Event::Progress))));
    host.state.interrupt.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(machine.step(&mut storage, &mut host).unwrap_err().code(), 9);
    assert_eq!(host.state.active, 0);
    machine.reset(&mut storage, &mut host).unwrap();
    assert!(matches!(machine.step(&mut storage, &mut host), Ok(Some(Event::Progress))), "it starts afresh");
}

#[test]
fn a_progress_handler_may_stop_a_statement() {
    let (mut machine, mut storage, mut host) = (endless(), Storage::default(), TestHost::new());
    host.state.progress_interval = 10;
    assert!(matches!(machine.step(&mut storage, &mut host), Ok(Some(Event::Progress))));
    machine.fail(Error::with_code(9, "interrupted"));
    assert_eq!(machine.step(&mut storage, &mut host).unwrap_err().to_string(), "interrupted");
}

#[test]
fn stepping_a_statement_that_is_over_is_misuse() {
    let mut builder = build(|_| {});
    builder.flags().read_only = true;
    let mut machine = Machine::new(Arc::new(builder.finish().unwrap()));
    let (mut storage, mut host) = (Storage::default(), TestHost::new());
    drive(&mut machine, &mut storage, &mut host).unwrap();
    assert_eq!(machine.step(&mut storage, &mut host).unwrap_err().code(), 21);
}

#[test]
fn recursion_of_triggers_is_bounded() {
    // Each calls the next: programs of triggers are numbered in the outermost one.
    const CHAIN: u32 = 20;
    let mut builder = build(|b| {
        let subs: Vec<_> = (1..=CHAIN)
            .map(|number| {
                let next = SubprogramId(number as u16);
                let sub = subprogram(number, |b, _| {
                    let args = integers(b, &[0, 0]);
                    if number < CHAIN {
                        b.emit(Op::Program { args, ignore: Addr(0), sub: next, recursive_ok: false });
                    }
                });
                b.subprogram(sub)
            })
            .collect();
        let args = integers(b, &[0, 0]);
        b.emit(Op::Program { args, ignore: Addr(0), sub: subs[0], recursive_ok: false });
    });
    builder.flags().read_only = true;
    let program = Arc::new(builder.finish().unwrap());
    for (depth, outcome) in [(30, None), (10, Some("triggers nested too deep".to_owned()))] {
        let mut host = TestHost::new();
        host.trigger_depth_max = depth;
        let mut machine = Machine::new(Arc::clone(&program));
        let result = drive(&mut machine, &mut Storage::default(), &mut host);
        assert_eq!(result.err().map(|error| error.to_string()), outcome);
    }
}
