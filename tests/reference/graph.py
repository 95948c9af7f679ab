"""A reference interpreter of the contract's graphs on tensors of jets: slow, small, written from ops.md and NumPy's rules.

What it knows of further operators stands in arrangements.py, scans.py, contractions.py and structures.py.
"""
import jet
from arrangements import Arrangements
from contractions import Contractions
from jet import Jet, combine
from scans import Scans
from structures import Structures
from tensors import Tensor, axes_of, broadcast, broadcast_shape, build, from_nested, indices, offset, size, to_nested

__all__ = ["Interpreter", "Tensor", "from_nested", "size", "to_nested", "offset"]


class Interpreter(Arrangements, Scans, Contractions, Structures):
    def __init__(self, context, convert, functions=None):
        self.context, self.convert, self.functions = context, convert, functions or {}

    def number(self, value):
        return self.convert(value)

    # graphs

    def run(self, graph, inputs):
        """Output name -> Tensor; `inputs`: name -> Tensor."""
        functions = {**self.functions, **graph.get("functions", {})}
        inner = type(self)(self.context, self.convert, functions)
        nodes = {node["name"]: node for node in graph["nodes"]}
        done = dict(inputs)

        def argument(arg):
            if isinstance(arg, str):
                if arg not in done:
                    done[arg] = evaluate(nodes[arg])
                return done[arg]
            if isinstance(arg, (int, float)):
                return from_nested(arg, (), self.convert)
            if "const" in arg:
                return from_nested(arg["const"], None, self.convert)
            return evaluate(arg)

        def evaluate(node):
            args = [argument(arg) for arg in node["args"]]
            attributes = {k: v for k, v in node.items() if k not in ("name", "op", "args")}
            return inner.apply(node["op"], args, attributes)

        result = {}
        for output in graph["outputs"]:
            if isinstance(output, str):
                result[output] = argument(output)
            else:
                result[output["name"]] = argument(output["value"])
        return result

    def apply(self, op, args, attributes):
        method = getattr(self, "op_" + op, None)
        if method:
            return method(*args, **attributes)
        assert not attributes, (op, attributes)
        shape = broadcast_shape(*(a.shape for a in args))
        full = [broadcast(a, shape) for a in args]
        return Tensor(shape, [jet.apply(self.context, op, list(entries)) for entries in zip(*(t.items for t in full))])

    def one(self, op, *jets):
        return jet.apply(self.context, op, list(jets))

    def total(self, jets):
        values = [j.value for j in jets]
        finite = all(v - v == 0 for v in values)
        value = self.context.fsum(values) if finite else sum(values, self.number(0))
        return combine(value, jets, [1] * len(jets))

    # reductions

    def reduce(self, x, axis, keepdims, rule):
        axes = axes_of(axis, len(x.shape))
        kept = [a for a in range(len(x.shape)) if a not in axes]

        def entry(index):
            where = dict(zip(kept, index))
            return rule([x.at([where[a] if a in where else moving[axes.index(a)] for a in range(len(x.shape))])
                         for moving in indices([x.shape[a] for a in axes])])

        reduced = build([x.shape[a] for a in kept], entry)
        shape = [1 if a in axes else n for a, n in enumerate(x.shape)] if keepdims else reduced.shape
        return Tensor(shape, reduced.items)

    def op_sum(self, x, axis=None, keepdims=False):
        return self.reduce(x, axis, keepdims, self.total)

    def op_mean(self, x, axis=None, keepdims=False):
        return self.reduce(x, axis, keepdims, lambda jets: self.one("divide", self.total(jets), Jet(self.number(len(jets)))))

    def op_prod(self, x, axis=None, keepdims=False):
        def rule(jets):
            result = Jet(self.number(1))
            for factor in jets:
                result = self.one("multiply", result, factor)
            return result
        return self.reduce(x, axis, keepdims, rule)

    def op_max(self, x, axis=None, keepdims=False):
        return self.reduce(x, axis, keepdims, lambda jets: jet.extremum(jets, max, self.number(1)))

    def op_min(self, x, axis=None, keepdims=False):
        return self.reduce(x, axis, keepdims, lambda jets: jet.extremum(jets, min, self.number(1)))

    def log_sum_exp(self, jets):
        """Shifted by the largest value; all -inf: -inf with derivative 0 (rule 4)."""
        if not jets:
            return Jet(self.number(float("-inf")))
        top = max(j.value for j in jets)
        if top == float("-inf"):
            return Jet(top)
        shifted = [self.one("exp", self.one("subtract", j, Jet(top))) for j in jets]
        return self.one("add", self.one("log", self.total(shifted)), Jet(top))

    def op_logsumexp(self, x, axis=None, keepdims=False):
        return self.reduce(x, axis, keepdims, self.log_sum_exp)

    def op_vector_norm(self, x, axis=None, keepdims=False, ord=2):
        def rule(jets):
            sizes = [self.one("abs", j) for j in jets]
            if ord == 1:
                return self.total(sizes)
            if ord == 2:
                squares = self.total([self.one("square", j) for j in jets])
                return Jet(squares.value) if squares.value == 0 else self.one("sqrt", squares)
            return jet.extremum(sizes, max, self.number(1))
        return self.reduce(x, axis, keepdims, rule)

    # normalisers

    def op_log_softmax(self, x, axis=-1):
        norm = self.op_logsumexp(x, axis=axis, keepdims=True)
        return self.apply("subtract", [x, norm], {})

    def op_softmax(self, x, axis=-1):
        return self.apply("exp", [self.op_log_softmax(x, axis=axis)], {})

    # shape

    def op_reshape(self, x, shape):
        return Tensor(shape, x.items)

    def op_permute_dims(self, x, axes):
        axes = [a % len(x.shape) for a in axes]
        return build([x.shape[a] for a in axes], lambda index: x.at([index[axes.index(a)] for a in range(len(axes))]))

    def op_broadcast_to(self, x, shape):
        return broadcast(x, tuple(shape))

    def op_expand_dims(self, x, axis):
        shape = list(x.shape)
        shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, 1)
        return Tensor(shape, x.items)

    def op_squeeze(self, x, axis):
        axes = axes_of(axis, len(x.shape))
        assert all(x.shape[a] == 1 for a in axes)
        return Tensor([n for a, n in enumerate(x.shape) if a not in axes], x.items)

    def op_concat(self, *xs, axis=0):
        axis %= len(xs[0].shape)
        places = [(x, i) for x in xs for i in range(x.shape[axis])]
        shape = [len(places) if a == axis else n for a, n in enumerate(xs[0].shape)]

        def entry(index):
            x, i = places[index[axis]]
            return x.at([*index[:axis], i, *index[axis + 1:]])
        return build(shape, entry)

    def op_stack(self, *xs, axis=0):
        return self.op_concat(*(self.op_expand_dims(x, axis) for x in xs), axis=axis)

    def op_slice(self, x, start=None, stop=None, step=None):
        rank = len(x.shape)
        part = lambda which, a: which[a] if which is not None and a < len(which) else None
        picks = [range(x.shape[a])[part(start, a):part(stop, a):part(step, a)] for a in range(rank)]
        return build([len(p) for p in picks], lambda index: x.at([p[i] for p, i in zip(picks, index)]))

    def op_index(self, x, at):
        at = [i % n for i, n in zip(at, x.shape)]
        return build(x.shape[len(at):], lambda index: x.at([*at, *index]))

    def op_take(self, x, indices, axis=0):
        axis %= len(x.shape)
        chosen = from_nested(indices, None, int)
        rank = len(chosen.shape)
        shape = [*x.shape[:axis], *chosen.shape, *x.shape[axis + 1:]]
        return build(shape, lambda i: x.at([*i[:axis], chosen.at(i[axis:axis + rank]).value, *i[axis + rank:]]))

    def op_scatter_add(self, base, updates, indices, axis=0):
        axis %= len(base.shape)
        chosen = from_nested(indices, None, int)
        rank = len(chosen.shape)
        piles = {index: [base.at(index)] for index in globals()["indices"](base.shape)}
        for i in globals()["indices"](updates.shape):
            piles[(*i[:axis], chosen.at(i[axis:axis + rank]).value % base.shape[axis], *i[axis + rank:])].append(updates.at(i))
        return build(base.shape, lambda index: self.total(piles[index]))

    def op_embed(self, x, shape, start, step):
        places = {tuple(a + i * b for a, i, b in zip(start, index, step)): x.at(index) for index in globals()["indices"](x.shape)}
        return build(shape, lambda index: places.get(index, Jet(self.number(0))))

    # products

    def dot(self, lefts, rights):
        return self.total([self.one("multiply", a, b) for a, b in zip(lefts, rights)])

    def op_matmul(self, a, b):
        left = Tensor((1, *a.shape), a.items) if len(a.shape) == 1 else a
        right = Tensor((*b.shape, 1), b.items) if len(b.shape) == 1 else b
        batch = broadcast_shape(left.shape[:-2], right.shape[:-2])
        n, inner, m = left.shape[-2], left.shape[-1], right.shape[-1]
        assert inner == right.shape[-2]
        left, right = broadcast(left, (*batch, n, inner)), broadcast(right, (*batch, inner, m))
        full = build((*batch, n, m), lambda i: self.dot([left.at((*i[:-1], k)) for k in range(inner)], [right.at((*i[:-2], k, i[-1])) for k in range(inner)]))
        shape = [*batch, *([n] if len(a.shape) > 1 else []), *([m] if len(b.shape) > 1 else [])]
        return Tensor(shape, full.items)

    def op_vecdot(self, a, b, axis=-1):
        return self.op_sum(self.apply("multiply", [a, b], {}), axis=axis)

    def op_outer(self, a, b):
        return build((a.shape[0], b.shape[0]), lambda i: self.one("multiply", a.at(i[:1]), b.at(i[1:])))
