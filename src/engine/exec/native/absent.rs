//! Where there is no machine code: types without values.

use crate::engine::exec::elementwise::Isa;
use crate::engine::program::Map;

/// Never made.
#[derive(Debug)]
pub(in crate::engine::exec) enum Single {}

/// Never made.
#[derive(Debug)]
pub(in crate::engine::exec) enum Tiles {}

impl Single {
    pub(super) fn of(_map: &Map, _isa: Isa) -> Option<Single> {
        None
    }

    pub(in crate::engine::exec) fn run(&self, _slots: &mut [f64]) {
        match *self {}
    }
}

impl Tiles {
    pub(super) fn of(_map: &Map) -> Option<Tiles> {
        None
    }

    pub(in crate::engine::exec) fn reads_whole(&self, _slot: u32) -> bool {
        match *self {}
    }

    pub(in crate::engine::exec) fn is_alone(&self) -> bool {
        match *self {}
    }

    pub(in crate::engine::exec) fn at(&self, _step: usize) -> Option<Segment> {
        match *self {}
    }
}

/// Never made.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine::exec) struct Segment {
    pub(in crate::engine::exec) end: usize,
    never: std::convert::Infallible,
}

impl Segment {
    pub(in crate::engine::exec) const WIDTH: usize = 4;

    /// Never called.
    ///
    /// # Safety
    /// None is needed.
    pub(in crate::engine::exec) unsafe fn run(&self, _slots: &[*mut f64], _len: usize) -> usize {
        match self.never {}
    }
}
