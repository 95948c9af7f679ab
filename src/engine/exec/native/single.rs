//! Straight code for a Map over one number: slots are memory, and values stay in registers between calls.

use dynasmrt::x64::X64Relocation;
use dynasmrt::{DynasmApi, VecAssembler, dynasm};

use super::arithmetic::arithmetic;
use super::code::{Code, MAGNITUDE, NAN, ONE, SIGN, ZERO, constants};
use super::registers::{BESIDE, BETWEEN, NEVER, Registers};
use crate::engine::exec::elementwise::{Elementwise, Isa, WIDEST};
use crate::engine::exec::opcode::Opcode;
use crate::engine::program::{Map, Step};

/// Fewer steps are as well interpreted.
const FEWEST: usize = 4;
/// More steps would be more code than is worth its memory.
const MOST: usize = 1_000_000;

/// The code of a Map over one number.
#[derive(Debug)]
pub(in crate::engine::exec) struct Single {
    code: Code,
    slots: usize,
}

impl Single {
    pub(super) fn of(map: &Map, isa: Isa) -> Option<Single> {
        if !(FEWEST..MOST).contains(&map.steps.len()) {
            return None;
        }
        let writer = Writer {
            to: VecAssembler::new(0),
            registers: Registers::new(map.slots),
            last: last_reads(map),
            value_of: vec![NEVER; map.slots],
            map,
            isa,
        };
        Some(Single { code: Code::of(&writer.write()?)?, slots: map.slots })
    }

    /// All steps, on slots that hold what the Map loads.
    pub(in crate::engine::exec) fn run(&self, slots: &mut [f64]) {
        assert!(slots.len() >= self.slots);
        // SAFETY: the code was made for this signature and CPU, touches the first `self.slots` numbers alone, and returns
        unsafe {
            let run: extern "sysv64" fn(*mut f64) = std::mem::transmute(self.code.at(0));
            run(slots.as_mut_ptr());
        }
    }
}

/// The slots that a step reads, the first so many of them.
pub(super) fn read(map: &Map, step: &Step) -> ([u32; WIDEST], usize) {
    let [a, b] = step.from;
    let slots = if step.code.has_row() { map.many[a as usize] } else { [a, b, 0, 0, 0, 0] };
    let count = if step.code == Opcode::Many { map.functions[step.function as usize].arity() } else { step.code.arity() };
    (slots, count)
}

/// For each step, the last step that reads its value, behind all where it is stored; its own number where none does.
fn last_reads(map: &Map) -> Vec<usize> {
    let mut last: Vec<usize> = (0..map.steps.len()).collect();
    let mut value_of = vec![NEVER; map.slots];
    for (i, step) in map.steps.iter().enumerate() {
        let (slots, count) = read(map, step);
        for slot in &slots[..count] {
            if let Some(last) = last.get_mut(value_of[*slot as usize]) {
                *last = i;
            }
        }
        value_of[step.to as usize] = i;
    }
    for &(slot, _) in &map.stores {
        if let Some(last) = last.get_mut(value_of[slot as usize]) {
            *last = NEVER;
        }
    }
    last
}

/// Calls a function of many arguments.
extern "sysv64" fn wide(function: *const (), args: *const [f64; WIDEST]) -> f64 {
    // SAFETY: the code passes a function of the table and the address of as many numbers on its stack
    unsafe {
        let function: fn([f64; WIDEST]) -> f64 = std::mem::transmute(function);
        function(*args)
    }
}

struct Writer<'a> {
    to: VecAssembler<X64Relocation>,
    registers: Registers,
    last: Vec<usize>,
    /// The step whose value a slot has.
    value_of: Vec<usize>,
    map: &'a Map,
    isa: Isa,
}

impl Writer<'_> {
    fn write(mut self) -> Option<Vec<u8>> {
        // rbx: slots; r12: constants; on the stack room for the arguments of a call
        dynasm!(self.to
            ; .arch x64
            ; push rbx
            ; push r12
            ; sub rsp, 56
            ; mov rbx, rdi
            ; mov r12, QWORD constants()
        );
        for (i, step) in self.map.steps.iter().enumerate() {
            self.step(i, step);
            self.value_of[step.to as usize] = i;
        }
        for (register, held) in self.registers.all() {
            if held.dirty && held.last == NEVER {
                let place = 8 * held.slot as i32;
                dynasm!(self.to ; .arch x64 ; vmovsd [rbx + place], Rx(register));
            }
        }
        dynasm!(self.to
            ; .arch x64
            ; add rsp, 56
            ; pop r12
            ; pop rbx
            ; ret
        );
        self.to.finalize().ok()
    }

    /// When a slot's value is read last; what was there before is read from memory at any time.
    fn last_of(&self, slot: u32) -> usize {
        self.last.get(self.value_of[slot as usize]).copied().unwrap_or(NEVER)
    }

    /// A register with the slot's value.
    fn value(&mut self, now: usize, slot: u32, busy: &[u8]) -> u8 {
        if let Some(register) = self.registers.of(slot) {
            return register;
        }
        let register = self.free(now, busy);
        let place = 8 * slot as i32;
        dynasm!(self.to ; .arch x64 ; vmovsd Rx(register), [rbx + place]);
        let last = self.last_of(slot);
        self.registers.hold(register, slot, false, last);
        register
    }

    /// A register to be written.
    fn free(&mut self, now: usize, busy: &[u8]) -> u8 {
        let (register, before) = self.registers.free(now, busy);
        if let Some(before) = before {
            let place = 8 * before.slot as i32;
            dynasm!(self.to ; .arch x64 ; vmovsd [rbx + place], Rx(register));
        }
        register
    }

    fn step(&mut self, i: usize, step: &Step) {
        if step.code.is_called() {
            return self.call(i, step);
        }
        let (slots, count) = read(self.map, step);
        let a = self.value(i, slots[0], &[]);
        let b = if count > 1 { self.value(i, slots[1], &[a]) } else { a };
        let c = if count > 2 { self.value(i, slots[2], &[a, b]) } else { a };
        let to = self.free(i, &[a, b, c]);
        arithmetic!(Rx, self.to, step.code, to, [a, b, c]);
        let last = self.last[i];
        self.registers.hold(to, step.to, true, last);
    }

    /// A call of the function that the interpreter calls.
    fn call(&mut self, i: usize, step: &Step) {
        let (slots, count) = read(self.map, step);
        let function = self.map.functions[step.function as usize];
        // a call leaves no register as it was: what is read later, and what it reads itself, goes to memory
        for (register, held) in self.registers.all() {
            let is_read = slots[..count].contains(&held.slot) && (count > 1 || matches!(function, Elementwise::Wide(_)));
            if held.dirty && (held.last > i || is_read) {
                let place = 8 * held.slot as i32;
                dynasm!(self.to ; .arch x64 ; vmovsd [rbx + place], Rx(register));
            }
        }
        let isa = self.isa as usize;
        let address = match function {
            Elementwise::Unary(function) => function.one[isa] as *const () as usize,
            Elementwise::Binary(function) => function.one[isa] as *const () as usize,
            Elementwise::Ternary(function) => function.one[isa] as *const () as usize,
            Elementwise::Wide(function) => {
                for (argument, slot) in slots[..count].iter().enumerate() {
                    let (place, on_stack) = (8 * *slot as i32, 8 * argument as i32);
                    dynasm!(self.to ; .arch x64 ; mov rax, [rbx + place] ; mov [rsp + on_stack], rax);
                }
                let function = function.one as *const () as i64;
                dynasm!(self.to ; .arch x64 ; mov rdi, QWORD function ; mov rsi, rsp);
                wide as *const () as usize
            }
        };
        if !matches!(function, Elementwise::Wide(_)) {
            match (count, self.registers.of(slots[0])) {
                (1, Some(0)) => {}
                (1, Some(register)) => dynasm!(self.to ; .arch x64 ; vmovapd xmm0, Rx(register)),
                _ => {
                    for (argument, slot) in slots[..count].iter().enumerate() {
                        let place = 8 * *slot as i32;
                        dynasm!(self.to ; .arch x64 ; vmovsd Rx(argument as u8), [rbx + place]);
                    }
                }
            }
        }
        dynasm!(self.to ; .arch x64 ; mov rax, QWORD address as i64 ; call rax);
        self.registers.clear();
        let last = self.last[i];
        self.registers.hold(0, step.to, true, last);
    }
}
