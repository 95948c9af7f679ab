//! Strided views: where an element of a tensor lies in the buffer that holds it.

/// An offset and, an axis, a size and a stride (in elements; 0 for a broadcast axis, negative for a reversed one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The first element's position.
    pub offset: usize,
    /// Size and stride of each axis.
    pub axes: Vec<(usize, isize)>,
}
