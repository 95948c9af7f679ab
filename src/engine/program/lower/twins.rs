//! Members of a fused group that share work: sine and cosine of one angle, powers of one base. They are put side by side, so that a tile of both
//! is one loop.

use hashbrown::HashMap;

use super::Row;
use super::groups::{Argument, Group, Member};

/// The members of a group in an order in which twins are side by side.
pub(super) struct Paired {
    pub(super) members: Vec<Member>,
    /// Their arguments, one member's after another's.
    pub(super) args: Vec<Argument>,
    /// Those whose twin is the next.
    pub(super) twins: Vec<u32>,
}

/// Finds twins; `None` where there are none, or no tiles.
pub(super) fn paired(group: &Group) -> Option<Paired> {
    if group.is_one_number() || !group.members.iter().any(|member| member.op.twin.is_some()) {
        return None;
    }
    let begin = |member: usize| member.checked_sub(1).map_or(0, |before| group.members[before].args_end as usize);
    let args = |member: usize| &group.args[begin(member)..group.members[member].args_end as usize];
    // of each operator and first argument the member that waits for its twin
    let mut waiting: HashMap<(*const Row, Argument), usize> = HashMap::new();
    // each member's twin, and whether it comes first
    let mut twin: Vec<Option<(usize, bool)>> = vec![None; group.members.len()];
    for (i, Member { op, .. }) in group.members.iter().enumerate() {
        let (Some(&first), Some(own)) = (args(i).first(), op.twin) else { continue };
        // what is put beside an earlier member has all its arguments by then
        let known = |before: usize| args(i).iter().all(|arg| !matches!(arg, Argument::Member(j) if *j as usize >= before));
        let wanted = (std::ptr::from_ref((own.with)()), first);
        match waiting.get(&wanted).copied().filter(|&before| known(before)) {
            Some(before) => {
                waiting.remove(&wanted);
                let leads = own.tile.is_some();
                (twin[before], twin[i]) = (Some((i, !leads)), Some((before, leads)));
            }
            None => drop(waiting.insert((std::ptr::from_ref(*op), first), i)),
        }
    }
    if twin.iter().all(Option::is_none) {
        return None;
    }
    let mut order: Vec<usize> = Vec::with_capacity(group.members.len());
    let mut twins = Vec::new();
    for (i, twin) in twin.iter().enumerate() {
        match *twin {
            None => order.push(i),
            Some((other, leads)) if other > i => {
                twins.push(order.len() as u32);
                order.extend(if leads { [i, other] } else { [other, i] });
            }
            // beside the earlier one already
            Some(_) => {}
        }
    }
    let mut place = vec![0; order.len()];
    order.iter().zip(0..).for_each(|(&member, at)| place[member] = at);
    let mut paired = Paired { members: Vec::with_capacity(order.len()), args: Vec::with_capacity(group.args.len()), twins };
    for member in order {
        paired.args.extend(args(member).iter().map(|arg| match *arg {
            Argument::Member(j) => Argument::Member(place[j as usize]),
            Argument::Load(load) => Argument::Load(load),
        }));
        paired.members.push(Member { args_end: paired.args.len() as u32, ..group.members[member] });
    }
    Some(paired)
}
