//! Which values are in which vector registers, while code is written.

/// Registers that hold values: the last two are for what is between.
pub(super) const HOLDING: usize = 14;
/// A register for what is between.
pub(super) const BETWEEN: u8 = 14;
/// Another one.
pub(super) const BESIDE: u8 = 15;

/// No step: what is behind all of them, where a value is stored, and before them, where it was loaded.
pub(super) const NEVER: usize = usize::MAX;

/// A value in a register.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// The slot whose value it is.
    pub(super) slot: u32,
    /// Whether memory does not have it yet.
    pub(super) dirty: bool,
    /// The step that reads it last.
    pub(super) last: usize,
    /// When it was touched; [`NEVER`] where the register is not to be taken.
    touched: usize,
}

/// The registers, and where each slot's value is.
#[derive(Debug)]
pub(super) struct Registers {
    held: [Option<Held>; HOLDING],
    of_slot: Vec<u8>,
    clock: usize,
}

const NOWHERE: u8 = u8::MAX;

impl Registers {
    pub(super) fn new(slots: usize) -> Registers {
        Registers { held: [None; HOLDING], of_slot: vec![NOWHERE; slots], clock: 0 }
    }

    /// The register that has a slot's value.
    pub(super) fn of(&mut self, slot: u32) -> Option<u8> {
        let register = self.of_slot[slot as usize];
        if register == NOWHERE {
            return None;
        }
        self.clock += 1;
        if let Some(held) = &mut self.held[register as usize]
            && held.touched != NEVER
        {
            held.touched = self.clock;
        }
        Some(register)
    }

    /// Keeps the value of a slot in a register from now on.
    pub(super) fn pin(&mut self, register: u8, slot: u32) {
        self.held[register as usize] = Some(Held { slot, dirty: false, last: NEVER, touched: NEVER });
        self.of_slot[slot as usize] = register;
    }

    /// A register to be written, best one that neither step `now` nor a later one needs; what it held, if that has to be stored first.
    /// Those of `busy` are not taken.
    pub(super) fn free(&mut self, now: usize, busy: &[u8]) -> (u8, Option<Held>) {
        let rank = |held: &Option<Held>| held.map_or((0, 0), |held| if held.last < now { (1, 0) } else { (2, held.touched) });
        let candidates = (0..HOLDING as u8).filter(|register| !busy.contains(register));
        let register = candidates.min_by_key(|&register| rank(&self.held[register as usize])).unwrap_or(0);
        let before = self.held[register as usize].take();
        if let Some(before) = before {
            self.of_slot[before.slot as usize] = NOWHERE;
        }
        (register, before.filter(|before| before.dirty && before.last >= now))
    }

    /// Says what a register holds from now on: what other registers held of that slot is no more.
    pub(super) fn hold(&mut self, register: u8, slot: u32, dirty: bool, last: usize) {
        let old = self.of_slot[slot as usize];
        if old != NOWHERE {
            self.held[old as usize] = None;
        }
        self.clock += 1;
        self.held[register as usize] = Some(Held { slot, dirty, last, touched: self.clock });
        self.of_slot[slot as usize] = register;
    }

    /// All values, with their registers.
    pub(super) fn all(&self) -> impl Iterator<Item = (u8, Held)> + '_ {
        self.held.iter().enumerate().filter_map(|(register, held)| held.map(|held| (register as u8, held)))
    }

    /// Forgets all values.
    pub(super) fn clear(&mut self) {
        for held in &mut self.held {
            if let Some(held) = held.take() {
                self.of_slot[held.slot as usize] = NOWHERE;
            }
        }
    }
}
