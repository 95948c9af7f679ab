"""Tensors of jets, and index arithmetic spelled out by multi-index: it shares nothing with the implementation under test."""
from itertools import product

from jet import Jet


class Tensor:
    def __init__(self, shape, items):
        self.shape, self.items = tuple(shape), list(items)
        assert len(self.items) == size(self.shape), (shape, len(self.items))

    def at(self, index):
        return self.items[offset(self.shape, index)]


def size(shape):
    total = 1
    for n in shape:
        total *= n
    return total


def indices(shape):
    return product(*(range(n) for n in shape))


def offset(shape, index):
    position = 0
    for n, i in zip(shape, index):
        position = position * n + i
    return position


def build(shape, rule):
    """The tensor whose entry at each multi-index is rule(index)."""
    return Tensor(shape, [rule(index) for index in indices(shape)])


def from_nested(nested, shape, convert):
    """A tensor of constants from nested lists; `shape` may be None unless a size is 0."""
    if shape is None:
        shape, level = [], nested
        while isinstance(level, list):
            shape.append(len(level))
            level = level[0] if level else 0
    flat = []

    def walk(level):
        if isinstance(level, list):
            for part in level:
                walk(part)
        else:
            flat.append(Jet(convert(level)))

    walk(nested)
    return Tensor(shape, flat)


def to_nested(shape, flat):
    if not shape:
        return flat[0]
    step = size(shape[1:])
    return [to_nested(shape[1:], flat[i * step:(i + 1) * step]) for i in range(shape[0])]


def broadcast_shape(*shapes):
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    result = []
    for sizes in zip(*padded):
        others = {n for n in sizes if n != 1}
        assert len(others) <= 1, shapes
        result.append(others.pop() if others else 1)
    return tuple(result)


def broadcast(tensor, shape):
    lead = len(shape) - len(tensor.shape)
    return build(shape, lambda index: tensor.at([0 if n == 1 else i for n, i in zip(tensor.shape, index[lead:])]))


def axes_of(axis, rank):
    """Absent: all axes; else one axis or a list, negative from the end."""
    if axis is None:
        return list(range(rank))
    return sorted(a % rank for a in (axis if isinstance(axis, list) else [axis]))
