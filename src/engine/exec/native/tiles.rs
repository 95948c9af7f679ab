//! Loops for a Map over tiles: each run of arithmetic steps is one loop over the tile, its values in registers.

use dynasmrt::x64::X64Relocation;
use dynasmrt::{DynasmApi, DynasmLabelApi, VecAssembler, dynasm};

use super::arithmetic::arithmetic;
use super::code::{Code, MAGNITUDE, NAN, ONE, SIGN, ZERO, constants};
use super::registers::{BESIDE, BETWEEN, HOLDING, NEVER, Registers};
use super::single::read;
use crate::engine::exec::opcode::Opcode;
use crate::engine::program::{Map, Step};

/// The code of a Map over tiles.
#[derive(Debug)]
pub(in crate::engine::exec) struct Tiles {
    code: Code,
    /// Behind each step that begins a segment: where that ends, and its code.
    segments: Vec<Option<(usize, usize)>>,
    /// Slots that steps outside the segments read.
    called_with: Vec<bool>,
    /// Whether all steps are one segment, and what is between them never leaves the registers.
    alone: bool,
}

impl Tiles {
    pub(super) fn of(map: &Map) -> Option<Tiles> {
        let mut segments = vec![None; map.steps.len()];
        let runs = runs(map);
        if runs.is_empty() {
            return None;
        }
        let (kept, last) = read_later(map, &runs);
        let called_with = called_with(map, &runs);
        let mut spread = vec![false; map.slots];
        map.loads.iter().for_each(|load| spread[load.slot as usize] = load.is_one_number());
        let mut to = VecAssembler::new(0);
        let mut alone = runs == [(0, map.steps.len())];
        for run in runs {
            segments[run.0] = Some((run.1, to.offset().0));
            alone &= Writer {
                to: &mut to,
                spilled: false,
                registers: Registers::new(map.slots),
                map,
                last: &last,
                kept: &kept,
                spread: &spread,
                bases: bases(map, run, &spread),
            }
            .write(run);
        }
        Some(Tiles { code: Code::of(&to.finalize().ok()?)?, segments, called_with, alone })
    }

    /// Whether all of a slot's numbers are read, even if they are one number for the whole domain: the segments read the first of them.
    pub(in crate::engine::exec) fn reads_whole(&self, slot: u32) -> bool {
        self.called_with[slot as usize]
    }

    /// Whether nothing is in memory but what is loaded and stored.
    pub(in crate::engine::exec) fn is_alone(&self) -> bool {
        self.alone
    }

    /// The segment that begins with a step.
    pub(in crate::engine::exec) fn at(&self, step: usize) -> Option<Segment> {
        let (end, offset) = self.segments[step]?;
        Some(Segment { end, code: self.code.at(offset) })
    }
}

/// The first step, and the one behind the last, of each run of arithmetic that is more than one step.
fn runs(map: &Map) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut i = 0;
    while i < map.steps.len() {
        let end = i + map.steps[i..].iter().take_while(|step| !step.code.is_called()).count();
        if end > i + 1 {
            runs.push((i, end));
        }
        i = end + 1;
    }
    runs
}

/// The slots that steps outside the runs read.
fn called_with(map: &Map, runs: &[(usize, usize)]) -> Vec<bool> {
    let mut slots = vec![false; map.slots];
    let mut at = 0;
    for &(first, end) in runs.iter().chain([&(map.steps.len(), map.steps.len())]) {
        for step in &map.steps[at..first] {
            let (from, count) = read(map, step);
            from[..count].iter().for_each(|&slot| slots[slot as usize] = true);
        }
        at = end;
    }
    slots
}

/// For each step, whether its value is read outside its run, and the step of its run that reads it last.
fn read_later(map: &Map, runs: &[(usize, usize)]) -> (Vec<bool>, Vec<usize>) {
    let mut run_of = vec![NEVER; map.steps.len()];
    for (number, &(first, end)) in runs.iter().enumerate() {
        run_of[first..end].fill(number);
    }
    let mut last: Vec<usize> = (0..map.steps.len()).collect();
    let mut kept = vec![false; map.steps.len()];
    let mut value_of = vec![NEVER; map.slots];
    for (i, step) in map.steps.iter().enumerate() {
        let (slots, count) = read(map, step);
        for slot in &slots[..count] {
            let value = value_of[*slot as usize];
            if value == NEVER {
                continue;
            }
            if run_of[value] == run_of[i] && run_of[i] != NEVER {
                last[value] = i;
            } else {
                kept[value] = true;
            }
        }
        value_of[step.to as usize] = i;
    }
    for &(slot, _) in &map.stores {
        if let Some(kept) = kept.get_mut(value_of[slot as usize]) {
            *kept = true;
        }
    }
    (kept, last)
}

/// General registers that hold the addresses of slots: all but rdi (the table of addresses), rsi (the end), rax (the place), rsp,
/// r12 (constants) and r11 (an address that has no register).
const BASES: [u8; 10] = [1, 2, 3, 5, 8, 9, 10, 13, 14, 15];
const ELSEWHERE: u8 = 11;

/// The slots that a run reads or writes most, with the registers for their addresses; last those that may be read once and stay.
fn bases(map: &Map, (first, end): (usize, usize), spread: &[bool]) -> Vec<(u32, u8)> {
    let mut uses: std::collections::BTreeMap<u32, usize> = Default::default();
    for step in &map.steps[first..end] {
        let (slots, count) = read(map, step);
        for slot in &slots[..count] {
            *uses.entry(*slot).or_default() += 1;
        }
        *uses.entry(step.to).or_default() += 1;
    }
    let mut slots: Vec<(u32, usize)> = uses.into_iter().collect();
    slots.sort_by_key(|&(slot, count)| (spread[slot as usize], std::cmp::Reverse(count)));
    slots.into_iter().zip(BASES).map(|((slot, _), register)| (slot, register)).collect()
}

/// Registers that a step takes: three that it reads, and what it writes.
const WIDEST_STEP: usize = 4;

struct Writer<'a> {
    to: &'a mut VecAssembler<X64Relocation>,
    registers: Registers,
    map: &'a Map,
    last: &'a [usize],
    kept: &'a [bool],
    /// Slots that are one number for the whole domain.
    spread: &'a [bool],
    bases: Vec<(u32, u8)>,
    /// Whether a register had to be freed for another value.
    spilled: bool,
}

impl Writer<'_> {
    /// Writes a run; returns whether its values were never more than the registers.
    fn write(mut self, (first, end): (usize, usize)) -> bool {
        dynasm!(self.to
            ; .arch x64
            ; push rbx
            ; push rbp
            ; push r12
            ; push r13
            ; push r14
            ; push r15
            ; mov r12, QWORD constants()
        );
        for &(slot, register) in &self.bases {
            let place = 8 * slot as i32;
            dynasm!(self.to ; .arch x64 ; mov Rq(register), [rdi + place]);
        }
        for (slot, register) in self.invariants((first, end)).into_iter().zip((0..HOLDING as u8).rev()) {
            let base = self.base(slot);
            dynasm!(self.to ; .arch x64 ; vbroadcastsd Ry(register), [Rq(base)]);
            self.registers.pin(register, slot);
        }
        dynasm!(self.to
            ; .arch x64
            ; xor eax, eax
            ; .align 32
            ; again:
        );
        let mut value_of = vec![NEVER; self.map.slots];
        for i in first..end {
            let step = self.map.steps[i];
            self.step(i, &step, &value_of);
            value_of[step.to as usize] = i;
        }
        dynasm!(self.to
            ; .arch x64
            ; add rax, 32
            ; cmp rax, rsi
            ; jb <again
            ; vzeroupper
            ; pop r15
            ; pop r14
            ; pop r13
            ; pop r12
            ; pop rbp
            ; pop rbx
            ; ret
        );
        !self.spilled
    }

    /// Slots that are one number for the whole domain and stay in registers that a run has no other use for, those first that it reads most.
    fn invariants(&self, (first, end): (usize, usize)) -> Vec<u32> {
        let mut uses: std::collections::BTreeMap<u32, usize> = Default::default();
        // what else the run reads and writes, from the first step to the last that does
        let mut spans: std::collections::BTreeMap<(u32, usize), (usize, usize)> = Default::default();
        let mut value_of = vec![NEVER; self.map.slots];
        for (i, step) in self.map.steps.iter().enumerate().take(end).skip(first) {
            let (slots, count) = read(self.map, step);
            for &slot in &slots[..count] {
                if self.spread[slot as usize] {
                    *uses.entry(slot).or_default() += 1;
                } else {
                    spans.entry((slot, value_of[slot as usize])).or_insert((i, i)).1 = i;
                }
            }
            value_of[step.to as usize] = i;
            spans.insert((step.to, i), (i, i));
        }
        let mut alive = vec![0_isize; end - first + 1];
        for (begin, last) in spans.into_values() {
            alive[begin - first] += 1;
            alive[last + 1 - first] -= 1;
        }
        let mut now = 0;
        let most = alive.into_iter().map(|change| {
            now += change;
            now
        });
        let most = most.max().unwrap_or(0);
        let mut slots: Vec<(u32, usize)> = uses.into_iter().collect();
        slots.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let free = HOLDING.saturating_sub(most.unsigned_abs());
        // those that do not stay need one in turn
        let room = if slots.len() <= free { free } else { free.saturating_sub(1) };
        slots.truncate(room.min(HOLDING - WIDEST_STEP));
        slots.into_iter().map(|(slot, _)| slot).collect()
    }

    /// The register with the address of a slot.
    fn base(&mut self, slot: u32) -> u8 {
        match self.bases.iter().find(|(own, _)| *own == slot) {
            Some(&(_, register)) => register,
            None => {
                let place = 8 * slot as i32;
                dynasm!(self.to ; .arch x64 ; mov Rq(ELSEWHERE), [rdi + place]);
                ELSEWHERE
            }
        }
    }

    fn store(&mut self, slot: u32, register: u8) {
        let base = self.base(slot);
        dynasm!(self.to ; .arch x64 ; vmovupd [Rq(base) + rax], Ry(register));
    }

    fn value(&mut self, now: usize, slot: u32, value_of: &[usize], busy: &[u8]) -> u8 {
        if let Some(register) = self.registers.of(slot) {
            return register;
        }
        let register = self.free(now, busy);
        let base = self.base(slot);
        if self.spread[slot as usize] {
            dynasm!(self.to ; .arch x64 ; vbroadcastsd Ry(register), [Rq(base)]);
        } else {
            dynasm!(self.to ; .arch x64 ; vmovupd Ry(register), [Rq(base) + rax]);
        }
        let last = self.last.get(value_of[slot as usize]).copied().unwrap_or(NEVER);
        self.registers.hold(register, slot, false, last);
        register
    }

    fn free(&mut self, now: usize, busy: &[u8]) -> u8 {
        let (register, before) = self.registers.free(now, busy);
        if let Some(before) = before {
            self.store(before.slot, register);
            self.spilled = true;
        }
        register
    }

    fn step(&mut self, i: usize, step: &Step, value_of: &[usize]) {
        let (slots, count) = read(self.map, step);
        let a = self.value(i, slots[0], value_of, &[]);
        let b = if count > 1 { self.value(i, slots[1], value_of, &[a]) } else { a };
        let c = if count > 2 { self.value(i, slots[2], value_of, &[a, b]) } else { a };
        let to = self.free(i, &[a, b, c]);
        arithmetic!(Ry, self.to, step.code, to, [a, b, c]);
        if self.kept[i] {
            self.store(step.to, to);
        }
        self.registers.hold(to, step.to, !self.kept[i], self.last[i]);
    }
}

/// Steps of a Map over tiles that are one loop.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine::exec) struct Segment {
    /// The step behind its last one.
    pub(in crate::engine::exec) end: usize,
    code: *const u8,
}

impl Segment {
    /// Numbers that a loop takes at once.
    pub(in crate::engine::exec) const WIDTH: usize = 4;

    /// Runs the segment for the first `WIDTH`-fold part of `len` numbers of each slot, from `slots[i]` on; returns how many that are.
    ///
    /// # Safety
    /// Each address is that of `len` numbers, which nobody else uses meanwhile; those of slots that the segment writes may be written.
    pub(in crate::engine::exec) unsafe fn run(&self, slots: &[*mut f64], len: usize) -> usize {
        let whole = len - len % Self::WIDTH;
        if whole > 0 {
            // SAFETY: the code was made for this signature and CPU
            unsafe {
                let run: extern "sysv64" fn(*const *mut f64, usize) = std::mem::transmute(self.code);
                run(slots.as_ptr(), 8 * whole);
            }
        }
        whole
    }
}
