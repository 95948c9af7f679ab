//! Vector literals as constant tensors: rows put together, for the parsers, and the order of brackets, for the printers.

use crate::wire::graph::{Argument, Tensor};

/// Why rows are no constant.
pub(super) enum NotConstant {
    /// All are numbers or tensors, but not of one shape.
    Ragged,
    /// Not all are; the rows as they came.
    Values(Vec<Argument>),
}

/// The tensor whose slices along a new leading axis are `rows`; an empty list is a vector of size 0.
pub(super) fn of_rows(rows: Vec<Argument>) -> Result<Tensor, NotConstant> {
    if !rows.iter().all(|row| matches!(row, Argument::Number(_) | Argument::Constant(_))) {
        return Err(NotConstant::Values(rows));
    }
    let count = rows.len();
    let mut whole: Option<Tensor> = None;
    for row in rows {
        let row = match row {
            Argument::Constant(tensor) => *tensor,
            Argument::Number(value) => Tensor { shape: Vec::new(), data: vec![value] },
            // ruled out above
            Argument::Name(_) | Argument::Node(_) => return Err(NotConstant::Ragged),
        };
        // the first row's buffer grows, so that brackets around one row cost nothing
        match &mut whole {
            None => whole = Some(row),
            Some(whole) if whole.shape == row.shape => whole.data.extend(row.data),
            Some(_) => return Err(NotConstant::Ragged),
        }
    }
    let mut whole = whole.unwrap_or(Tensor { shape: Vec::new(), data: Vec::new() });
    whole.shape.insert(0, count);
    Ok(whole)
}

/// The most elements of a constant that is written out.
pub(super) const MOST_WRITTEN: usize = 4096;

/// What is written of a tensor, in order: brackets, commas and the positions of its elements.
pub(super) enum Piece {
    Open,
    Close,
    Comma,
    Element(usize),
}

/// The pieces of a tensor as nested lists; `None` where no list says its shape, or where it is too large to be written out.
pub(super) fn pieces(tensor: &Tensor) -> Option<Vec<Piece>> {
    let shape = &tensor.shape;
    // a list of size 0 says nothing of the axes inside it
    let leading = shape.split_last().map_or(1, |(_, leading)| leading.iter().fold(1_usize, |n, &size| n.saturating_mul(size)));
    let elements = shape.iter().fold(1_usize, |n, &size| n.saturating_mul(size));
    if leading == 0 || leading > MOST_WRITTEN || elements > MOST_WRITTEN || elements != tensor.data.len() {
        return None;
    }
    // how many elements one bracket of each axis holds
    let spans: Vec<usize> = (0..shape.len()).map(|axis| shape[axis..].iter().product()).collect();
    if elements == 0 {
        return empty(shape);
    }
    let mut pieces = Vec::new();
    for element in 0..elements {
        if element > 0 {
            pieces.extend(spans.iter().filter(|&&span| element % span == 0).map(|_| Piece::Close));
            pieces.push(Piece::Comma);
        }
        pieces.extend(spans.iter().filter(|&&span| element % span == 0).map(|_| Piece::Open));
        pieces.push(Piece::Element(element));
    }
    pieces.extend(spans.iter().map(|_| Piece::Close));
    Some(pieces)
}

/// The pieces of a tensor whose last size alone is 0: those of the leading axes with `[]` for elements.
fn empty(shape: &[usize]) -> Option<Vec<Piece>> {
    let (_, leading) = shape.split_last()?;
    let rows = leading.iter().product();
    let frame = pieces(&Tensor { shape: leading.to_vec(), data: vec![0.0; rows] })?;
    Some(
        frame
            .into_iter()
            .flat_map(|piece| match piece {
                Piece::Element(_) => vec![Piece::Open, Piece::Close],
                Piece::Open | Piece::Close | Piece::Comma => vec![piece],
            })
            .collect(),
    )
}
