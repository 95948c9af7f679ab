//! Sums over named axes: `einsum` and `tensordot`, both lowered to transposes, products and sums.
//!
//! Operands are taken from the left, two at a time; an axis that neither the result nor a later operand has is summed as soon as it
//! can be. The order of the operations is the subscripts' alone.

use std::collections::HashMap;

use super::arithmetic::MULTIPLY;
use super::arrange::DIAGONAL;
use super::axes::{axis, fault};
use super::product::MATMUL;
use super::row::rows;
use super::shape::{EXPAND_DIMS, SQUEEZE};
use super::{Arity, Attribute, AttributeKind, Attributes, Family, Row, Rule, ShapeRule, Value};
use crate::engine::graph::algebra::{Made, axes_attributes};
use crate::engine::graph::{Builder, NodeId};
use crate::engine::{Error, Shape};
use Family::Product;

/// An axis's name: a letter, or a number above them for an axis that `...` stands for, counted from the last.
type Label = usize;

/// The first label of the axes of `...`.
const HIDDEN: Label = 256;

/// The axes of every operand and of the result, by name.
#[derive(Debug, PartialEq)]
struct Subscripts {
    operands: Vec<Vec<Label>>,
    result: Vec<Label>,
}

/// One operand's letters, with the axes that `...` stands for among them.
fn labels(term: &str, hidden: usize) -> Vec<Label> {
    let letters = |text: &str| text.bytes().map(Label::from).collect::<Vec<_>>();
    match term.split_once("...") {
        Some((before, after)) => letters(before).into_iter().chain((HIDDEN..HIDDEN + hidden).rev()).chain(letters(after)).collect(),
        None => letters(term),
    }
}

impl Subscripts {
    /// What is written, for operands of those shapes; else what is wrong with it.
    fn read(text: &str, shapes: &[Shape]) -> Result<Subscripts, String> {
        let text: String = text.chars().filter(|letter| *letter != ' ').collect();
        let (inputs, output) = match text.split_once("->") {
            Some((inputs, output)) => (inputs, Some(output)),
            None => (text.as_str(), None),
        };
        let terms: Vec<&str> = inputs.split(',').collect();
        if terms.len() != shapes.len() {
            return Err(format!("names the axes of {} operands, but there are {}", terms.len(), shapes.len()));
        }
        let mut counts = [0usize; HIDDEN];
        let (mut operands, mut most, mut dotted) = (Vec::new(), 0, false);
        for (&term, shape) in terms.iter().zip(shapes) {
            let letters = letters_of(term)?;
            let dots = term.contains("...");
            let hidden = shape
                .rank()
                .checked_sub(letters)
                .filter(|&hidden| dots || hidden == 0)
                .ok_or_else(|| format!("names {letters} axes of an operand of shape {shape}{}", if dots { " at least" } else { "" }))?;
            (most, dotted) = (most.max(hidden), dotted || dots);
            let named = labels(term, hidden);
            named.iter().filter(|&&label| label < HIDDEN).for_each(|&label| counts[label] += 1);
            operands.push(named);
        }
        let result = match output {
            None => (HIDDEN..HIDDEN + most).rev().chain((0..HIDDEN).filter(|&label| counts[label] == 1)).collect(),
            Some(output) => {
                letters_of(output)?;
                if most > 0 && !output.contains("...") {
                    return Err("leaves out of its result the axes that `...` stands for".into());
                }
                if output.contains("...") && !dotted {
                    return Err("has `...` in its result and in no operand".into());
                }
                let result = labels(output, most);
                for (i, &label) in result.iter().enumerate() {
                    if label < HIDDEN && counts[label] == 0 {
                        return Err(format!("has `{}` in its result and in no operand", shown(label)));
                    }
                    if result[..i].contains(&label) {
                        return Err(format!("has `{}` twice in its result", shown(label)));
                    }
                }
                result
            }
        };
        Ok(Subscripts { operands, result })
    }

    /// The size of each label, or what does not go together.
    fn sizes(&self, shapes: &[Shape]) -> Result<Sizes, String> {
        let mut sizes = Sizes(Vec::new());
        for (labels, shape) in self.operands.iter().zip(shapes) {
            for (i, (&label, &size)) in labels.iter().zip(shape.sizes()).enumerate() {
                if let Some(first) = labels[..i].iter().position(|&other| other == label)
                    && shape.sizes()[first] != size
                {
                    return Err(format!("has `{}` for sizes {} and {size} of one operand", shown(label), shape.sizes()[first]));
                }
                match sizes.0.iter_mut().find(|(other, _)| *other == label) {
                    None => sizes.0.push((label, size)),
                    Some((_, known)) if *known == 1 => *known = size,
                    Some((_, known)) if *known != size && size != 1 => {
                        return Err(format!("has `{}` for the sizes {known} and {size}", shown(label)));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(sizes)
    }

    /// As text, with the result written out.
    fn text(&self) -> String {
        let term = |labels: &[Label]| {
            let mut text = String::new();
            for &label in labels {
                match u8::try_from(label) {
                    Ok(letter) => text.push(char::from(letter)),
                    Err(_) if text.contains('.') => {}
                    Err(_) => text.push_str("..."),
                }
            }
            text
        };
        let operands: Vec<String> = self.operands.iter().map(|labels| term(labels)).collect();
        format!("{}->{}", operands.join(","), term(&self.result))
    }
}

/// The number of letters of a term that is well formed.
fn letters_of(term: &str) -> Result<usize, String> {
    let rest = term.replacen("...", "", 1);
    match rest.chars().find(|letter| !letter.is_ascii_alphabetic()) {
        Some('.') => Err("may have `...` once an operand, and no other dot".into()),
        Some(other) => Err(format!("has `{}`: axes are named by letters", other.escape_debug())),
        None => Ok(rest.len()),
    }
}

/// A label as a message shows it.
fn shown(label: Label) -> String {
    u8::try_from(label).map_or_else(|_| "...".into(), |letter| char::from(letter).to_string())
}

/// The size of each label.
struct Sizes(Vec<(Label, usize)>);

impl Sizes {
    fn of(&self, label: Label) -> usize {
        self.0.iter().find(|(other, _)| *other == label).map_or(1, |&(_, size)| size)
    }
}

/// A tensor whose axes have names.
#[derive(Debug, Clone)]
struct Named {
    node: NodeId,
    labels: Vec<Label>,
}

impl Named {
    /// Axes in this order.
    fn arranged(&self, g: &mut Builder, order: &[Label]) -> Made {
        let axes: Vec<usize> = order.iter().filter_map(|label| self.labels.iter().position(|own| own == label)).collect();
        g.permute(self.node, &axes)
    }

    /// A name that stands twice as the diagonal of its two axes, until none does.
    fn diagonals(mut self, g: &mut Builder) -> Result<Named, Error> {
        while let Some(second) = (0..self.labels.len()).find(|&i| self.labels[..i].contains(&self.labels[i])) {
            let label = self.labels[second];
            let mut axes: Vec<usize> = (0..self.labels.len()).filter(|&i| self.labels[i] != label || i > second).collect();
            let rest: Vec<Label> = axes.iter().map(|&axis| self.labels[axis]).collect();
            axes.extend((0..=second).filter(|&i| self.labels[i] == label));
            let arranged = g.permute(self.node, &axes)?;
            self = Named { node: g.call(&DIAGONAL, &[arranged])?, labels: [rest, vec![label]].concat() };
        }
        Ok(self)
    }

    /// Without the axes of size 1 whose name has another size elsewhere: there they are repeated.
    fn unrepeated(self, g: &mut Builder, sizes: &Sizes) -> Result<Named, Error> {
        let own = g.shape(self.node).clone();
        let repeated = |i: usize| own.sizes()[i] == 1 && sizes.of(self.labels[i]) != 1;
        let axes: Vec<usize> = (0..self.labels.len()).filter(|&i| repeated(i)).collect();
        if axes.is_empty() {
            return Ok(self);
        }
        let labels = (0..self.labels.len()).filter(|&i| !repeated(i)).map(|i| self.labels[i]).collect();
        Ok(Named { node: g.apply(&SQUEEZE, &[self.node], axes_attributes(&axes))?, labels })
    }

    /// Summed over the axes that are not kept.
    fn summed(self, g: &mut Builder, kept: impl Fn(Label) -> bool) -> Result<Named, Error> {
        let axes: Vec<usize> = (0..self.labels.len()).filter(|&i| !kept(self.labels[i])).collect();
        if axes.is_empty() {
            return Ok(self);
        }
        let labels = self.labels.iter().copied().filter(|&label| kept(label)).collect();
        Ok(Named { node: g.sum(self.node, &axes, false)?, labels })
    }

    /// The product with another, summed over the axes that both have and that are not kept.
    fn times(self, g: &mut Builder, other: Named, sizes: &Sizes, kept: impl Fn(Label) -> bool) -> Result<Named, Error> {
        let part = |of: &[Label], choose: &dyn Fn(Label) -> bool| of.iter().copied().filter(|&label| choose(label)).collect::<Vec<_>>();
        let shared = |label: Label| other.labels.contains(&label);
        let batch = part(&self.labels, &|label| shared(label) && kept(label));
        let inner = part(&self.labels, &|label| shared(label) && !kept(label));
        let left = part(&self.labels, &|label| !shared(label));
        let right = part(&other.labels, &|label| !self.labels.contains(&label));
        let labels = [batch.clone(), left.clone(), right.clone()].concat();
        if inner.is_empty() || (left.is_empty() && right.is_empty()) {
            // [batch, left, 1…, inner] · [batch, right, inner]
            let a = self.arranged(g, &[batch.clone(), left.clone(), inner.clone()].concat())?;
            let b = other.arranged(g, &[batch.clone(), right.clone(), inner.clone()].concat())?;
            let a = expanded(g, a, batch.len() + left.len(), right.len())?;
            let b = expanded(g, b, batch.len(), left.len())?;
            let product = g.call(&MULTIPLY, &[a, b])?;
            return Named { node: product, labels: [labels, inner].concat() }.summed(g, kept);
        }
        let size = |labels: &[Label]| labels.iter().map(|&label| sizes.of(label)).collect::<Vec<_>>();
        let one = |labels: &[Label]| [size(labels).iter().product::<usize>()];
        let a = self.arranged(g, &[batch.clone(), left.clone(), inner.clone()].concat())?;
        let b = other.arranged(g, &[batch.clone(), inner.clone(), right.clone()].concat())?;
        let a = g.reshape(a, &Shape::new([&size(&batch)[..], &one(&left), &one(&inner)].concat()))?;
        let b = g.reshape(b, &Shape::new([&size(&batch)[..], &one(&inner), &one(&right)].concat()))?;
        let product = g.call(&MATMUL, &[a, b])?;
        Ok(Named { node: g.reshape(product, &Shape::new(size(&labels)))?, labels })
    }
}

/// With so many new axes of size 1 at a place.
fn expanded(g: &mut Builder, x: NodeId, at: usize, count: usize) -> Made {
    if count == 0 { Ok(x) } else { g.apply(&EXPAND_DIMS, &[x], axes_attributes(&(at..at + count).collect::<Vec<_>>())) }
}

/// The whole contraction.
fn contract(g: &mut Builder, args: &[NodeId], subscripts: &Subscripts, sizes: &Sizes) -> Made {
    // after which operand each name is wanted no more; those of the result always are
    let mut last: HashMap<Label, usize> = HashMap::new();
    for (i, labels) in subscripts.operands.iter().enumerate() {
        last.extend(labels.iter().map(|&label| (label, i)));
    }
    last.extend(subscripts.result.iter().map(|&label| (label, usize::MAX)));
    let mut sum: Option<Named> = None;
    for (i, (&node, labels)) in args.iter().zip(&subscripts.operands).enumerate() {
        let later = |label: Label| last.get(&label).is_some_and(|&last| last > i);
        let operand = Named { node, labels: labels.clone() }.diagonals(g)?.unrepeated(g, sizes)?;
        sum = Some(match sum {
            None => operand.summed(g, later)?,
            Some(sum) => {
                let operand = operand.summed(g, |label| later(label) || sum.labels.contains(&label))?;
                let sum = sum.summed(g, |label| later(label) || operand.labels.contains(&label))?;
                sum.times(g, operand, sizes, later)?
            }
        });
    }
    match sum {
        Some(sum) => sum.arranged(g, &subscripts.result),
        None => Ok(g.number(1.0)),
    }
}

/// The axes that `tensordot` sums over, of the left and of the right, counted from the front.
fn contracted(op: &'static Row, attributes: &Attributes, a: &Shape, b: &Shape) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let (shape, values) = attributes.indices("axes").map_or((vec![], vec![2]), |(shape, values)| (shape.to_vec(), values.to_vec()));
    let (left, right) = match *shape {
        [] => {
            let count = usize::try_from(values[0]).ok().filter(|&count| count <= a.rank().min(b.rank()));
            let Some(count) = count else {
                return Err(fault(op, "axes", format!("is {}, which is not a number of axes of both {a} and {b}", values[0])));
            };
            ((a.rank() - count..a.rank()).collect(), (0..count).collect())
        }
        [2] | [2, _] => {
            let (left, right) = values.split_at(values.len() / 2);
            let axes = |values: &[i64], rank| values.iter().map(|&value| axis(op, "axes", value, rank)).collect::<Result<Vec<_>, _>>();
            (axes(left, a.rank())?, axes(right, b.rank())?)
        }
        _ => return Err(fault(op, "axes", "must be an integer or two lists, one for each tensor")),
    };
    for (list, shape) in [(&left, a), (&right, b)] {
        if let Some(i) = (0..list.len()).find(|&i| list[..i].contains(&list[i])) {
            return Err(fault(op, "axes", format!("names axis {} of {shape} twice", list[i])));
        }
    }
    if left.iter().zip(&right).any(|(&i, &j)| a.sizes()[i] != b.sizes()[j]) {
        let detail = format!("the sizes of axes {left:?} and {right:?} must be equal");
        return Err(Error::ShapePair { op: op.name, left: a.clone(), right: b.clone(), detail });
    }
    Ok((left, right))
}

/// `tensordot` as named axes: those of the left by their numbers, those of the right by the next ones where they are not the same.
fn dotted(op: &'static Row, attributes: &Attributes, a: &Shape, b: &Shape) -> Result<Subscripts, Error> {
    let (left, right) = contracted(op, attributes, a, b)?;
    let first: Vec<Label> = (0..a.rank()).collect();
    let second: Vec<Label> = (0..b.rank()).map(|j| right.iter().position(|&own| own == j).map_or(a.rank() + j, |k| left[k])).collect();
    let free = first.iter().filter(|label| !second.contains(label)).chain(second.iter().filter(|label| !first.contains(label)));
    Ok(Subscripts { result: free.copied().collect(), operands: vec![first, second] })
}

const EINSUM_SHAPE: ShapeRule = |op, shapes, attributes| {
    let text = attributes.written("subscripts").unwrap_or_default();
    let wrong = |detail: String| fault(op, "subscripts", detail);
    let subscripts = Subscripts::read(text, shapes).map_err(wrong)?;
    let sizes = subscripts.sizes(shapes).map_err(wrong)?;
    let result = Shape::new(subscripts.result.iter().map(|&label| sizes.of(label)).collect::<Vec<_>>());
    let written = Value::Written(subscripts.text().into());
    Ok((result, attributes.with("subscripts", written)))
};

/// The shapes of nodes.
fn shapes_of(g: &Builder, nodes: &[NodeId]) -> Vec<Shape> {
    nodes.iter().map(|&node| g.shape(node).clone()).collect()
}

rows! {
    TENSORDOT = Row::new("tensordot", Product, Arity::exactly(2), Rule::Composite {
        shape: |op, shapes, attributes| {
            let (left, right) = contracted(op, &attributes, &shapes[0], &shapes[1])?;
            let free = |shape: &Shape, used: &[usize]| (0..shape.rank()).filter(|i| !used.contains(i)).map(|i| shape.sizes()[i]).collect::<Vec<_>>();
            let result = [free(&shapes[0], &left), free(&shapes[1], &right)].concat();
            let axes = [&left[..], &right].concat().iter().map(|&axis| axis as i64).collect::<Vec<_>>();
            Ok((Shape::new(result), attributes.with("axes", Value::Indices(vec![2, left.len()], axes.into()))))
        },
        expansion: |g, args, attributes| {
            let shapes = shapes_of(g, args);
            let subscripts = dotted(&TENSORDOT, attributes, &shapes[0], &shapes[1])?;
            let sizes = subscripts.sizes(&shapes).map_err(|detail| fault(&TENSORDOT, "axes", detail))?;
            contract(g, args, &subscripts, &sizes)
        },
        derivative: None,
    }).takes(&[Attribute {
        name: "axes",
        kind: AttributeKind::Indices,
        required: false,
        summary: "how many axes, the last of the left and the first of the right, default 2; or two lists of axes",
    }]).says("Σ a·b over pairs of axes, the others of the left before those of the right", "b, a").costs(2);
    EINSUM = Row::new("einsum", Product, Arity::at_least(1), Rule::Composite {
        shape: EINSUM_SHAPE,
        expansion: |g, args, attributes| {
            let shapes = shapes_of(g, args);
            let wrong = |detail: String| fault(&EINSUM, "subscripts", detail);
            let subscripts = Subscripts::read(attributes.written("subscripts").unwrap_or_default(), &shapes).map_err(wrong)?;
            let sizes = subscripts.sizes(&shapes).map_err(wrong)?;
            contract(g, args, &subscripts, &sizes)
        },
        derivative: None,
    }).takes(&[Attribute {
        name: "subscripts",
        kind: AttributeKind::Text,
        required: true,
        summary: "a letter for each axis of each operand, then the result's: \"ij,jk->ik\"; `...` for axes without one; without `->` the letters that stand once, sorted",
    }]).says("Σ of products over named axes, by NumPy's rules, the operands taken from the left", "the products of the others").costs(2);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, ranks: &[usize]) -> Result<String, String> {
        let shapes: Vec<Shape> = ranks.iter().map(|&rank| Shape::new(vec![2; rank])).collect();
        Subscripts::read(text, &shapes).map(|subscripts| subscripts.text())
    }

    #[test]
    fn results_are_written_out() {
        for (text, ranks, canonical) in [
            ("ij,jk->ik", &[2, 2][..], "ij,jk->ik"),
            ("ij,jk", &[2, 2], "ij,jk->ik"),
            (" i j , j k -> k i ", &[2, 2], "ij,jk->ki"),
            ("ba", &[2], "ba->ab"),
            ("bA", &[2], "bA->Ab"),
            ("ii", &[2], "ii->"),
            ("...i,i", &[3, 1], "...i,i->..."),
            ("...,...", &[0, 0], ",->"),
            (",ij", &[0, 2], ",ij->ij"),
            ("...->...", &[0], "->"),
            ("i...->...", &[3], "i...->..."),
        ] {
            assert_eq!(read(text, ranks).as_deref(), Ok(canonical), "{text}");
            assert_eq!(read(canonical, ranks).as_deref(), Ok(canonical), "{text}, once more");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, ranks) in [
            ("", &[1][..]),
            ("ij", &[1]),
            ("i", &[2]),
            ("i,j", &[1]),
            ("i", &[1, 1]),
            ("i->j", &[1]),
            ("ij->ii", &[2]),
            ("i->i->i", &[1]),
            ("i-j", &[2]),
            ("i.j", &[2]),
            ("......", &[0]),
            ("...i...", &[1]),
            ("...i->i", &[2]),
            ("i->...i", &[1]),
            ("é", &[1]),
            ("ij...", &[1]),
        ] {
            assert!(read(text, ranks).is_err(), "{text}: {:?}", read(text, ranks));
        }
    }
}
