//! Members of a fused group that share work: sine and cosine of one angle, powers of one base. They are put side by side, so that a tile of both
//! is one loop.

use hashbrown::HashMap;

use super::Row;
use super::groups::{Argument, Group, Member, PackedArgument};

/// An order of a group's members in which twins are side by side.
pub(super) struct Paired {
    /// Which member is the first, the second and so on.
    pub(super) order: Vec<u32>,
    /// Where in that order those stand whose twin is the next.
    pub(super) twins: Vec<u32>,
}

/// Finds twins; `None` where there are none, or no tiles.
pub(super) fn paired(group: &Group) -> Option<Paired> {
    if group.is_one_number() || !group.members.iter().any(|member| member.op.twin.is_some()) {
        return None;
    }
    // of each operator and first argument the member that waits for its twin
    let mut waiting: HashMap<(*const Row, PackedArgument), u32> = HashMap::new();
    // each member's twin, and whether it comes first
    let mut twin: Vec<Option<(u32, bool)>> = vec![None; group.members.len()];
    for (i, Member { op, .. }) in (0..).zip(&group.members) {
        let args = group.args(i as usize);
        let (Some(&first), Some(own)) = (args.first(), op.twin) else { continue };
        // what is put beside an earlier member has all its arguments by then
        let known = |before: u32| args.iter().all(|arg| !matches!(arg.argument(), Argument::Member(j) if j >= before));
        let wanted = (std::ptr::from_ref((own.with)()), first);
        match waiting.get(&wanted).copied().filter(|&before| known(before)) {
            Some(before) => {
                waiting.remove(&wanted);
                let leads = own.tile.is_some();
                (twin[before as usize], twin[i as usize]) = (Some((i, !leads)), Some((before, leads)));
            }
            None => drop(waiting.insert((std::ptr::from_ref(*op), first), i)),
        }
    }
    if twin.iter().all(Option::is_none) {
        return None;
    }
    let (mut order, mut twins) = (Vec::with_capacity(group.members.len()), Vec::new());
    for (i, twin) in (0..).zip(twin) {
        match twin {
            None => order.push(i),
            Some((other, leads)) if other > i => {
                twins.push(order.len() as u32);
                order.extend(if leads { [i, other] } else { [other, i] });
            }
            // beside the earlier one already
            Some(_) => {}
        }
    }
    Some(Paired { order, twins })
}
