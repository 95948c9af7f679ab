"""Rearrangements of the reference interpreter: flips, rolls, tiles, diagonals, triangles, sorting, tables."""
from bisect import bisect_right
from itertools import groupby

from jet import Jet, combine
from tensors import Tensor, axes_of, build, from_nested, indices, size


def listed(value):
    return value if isinstance(value, list) else [value]


class Arrangements:
    def op_flip(self, x, axis=None):
        axes = axes_of(axis, len(x.shape))
        return build(x.shape, lambda index: x.at([n - 1 - i if a in axes else i for a, (n, i) in enumerate(zip(x.shape, index))]))

    def op_roll(self, x, shift, axis=None):
        if axis is None:
            flat, total = x.items, size(x.shape)
            return Tensor(x.shape, [flat[(i - sum(listed(shift))) % total] for i in range(total)])
        shifts, axes = listed(shift), listed(axis)
        for k in range(max(len(shifts), len(axes))):
            by, a = shifts[k % len(shifts)], axes[k % len(axes)] % len(x.shape)
            x = build(x.shape, lambda index, x=x: x.at([(i - by) % x.shape[a] if b == a else i for b, i in enumerate(index)]))
        return x

    def op_tile(self, x, repetitions):
        times, rank = listed(repetitions), max(len(listed(repetitions)), len(x.shape))
        times, sizes = [1] * (rank - len(times)) + times, [1] * (rank - len(x.shape)) + list(x.shape)
        whole = Tensor(sizes, x.items)
        return build([t * n for t, n in zip(times, sizes)], lambda index: whole.at([i % n for i, n in zip(index, sizes)]))

    def op_diagonal(self, x, offset=0):
        *batch, m, n = x.shape
        places = [i for i in range(m) if 0 <= i + offset < n]
        return build([*batch, len(places)], lambda index: x.at([*index[:-1], places[index[-1]], places[index[-1]] + offset]))

    def op_diag(self, x, offset=0):
        if len(x.shape) == 2:
            return self.op_diagonal(x, offset)
        n = x.shape[0] + abs(offset)
        return build((n, n), lambda index: x.at([min(index)]) if index[1] - index[0] == offset else Jet(self.number(0)))

    def op_tril(self, x, k=0):
        return build(x.shape, lambda index: x.at(index) if index[-1] - index[-2] <= k else Jet(self.number(0)))

    def op_triu(self, x, k=0):
        return build(x.shape, lambda index: x.at(index) if index[-1] - index[-2] >= k else Jet(self.number(0)))

    def op_one_hot(self, indices, size):
        chosen = from_nested(indices, None, int)
        return build([*chosen.shape, size], lambda index: Jet(self.number(int(chosen.at(index[:-1]).value % size == index[-1]))))

    def lines(self, x, axis, rule):
        """Each line along an axis through `rule`, a function of a list of jets to as many."""
        axis %= len(x.shape)
        others = [n for a, n in enumerate(x.shape) if a != axis]
        done = {rest: rule([x.at([*rest[:axis], i, *rest[axis:]]) for i in range(x.shape[axis])]) for rest in indices(others)}
        return build(x.shape, lambda index: done[(*index[:axis], *index[axis + 1:])][index[axis]])

    def op_sort(self, x, axis=-1, descending=False):
        """NaN counts as the largest; a group of equals shares its derivatives (rule 3)."""
        rank = lambda jet: (jet.value != jet.value, 0 if jet.value != jet.value else jet.value)

        def rule(line):
            ordered = []
            for _, group in groupby(sorted(line, key=rank, reverse=descending), rank):
                group = list(group)
                ordered += [combine(own.value, group, [self.number(1) / len(group)] * len(group)) for own in group]
            return ordered
        return self.lines(x, axis, rule)

    def following(self, x, v, axis, descending, put):
        """v in the order that sorts x, or put back from it; equals of x share."""
        axis %= len(x.shape)
        pairs = Tensor(x.shape, list(zip(x.items, v.items)))
        rank = lambda jet: (jet.value != jet.value, 0 if jet.value != jet.value else jet.value)

        def rule(line):
            order = sorted(range(len(line)), key=lambda i: rank(line[i][0]), reverse=descending)
            result = [None] * len(line)
            for _, group in groupby(enumerate(order), lambda pair: rank(line[pair[1]][0])):
                group = list(group)
                jets = [line[place if put else own][1] for place, own in group]
                mean = self.one("divide", self.total(jets), Jet(self.number(len(jets))))
                for place, own in group:
                    result[own if put else place] = mean
            return result
        return self.lines(pairs, axis, rule)

    def op_take_sorted(self, x, v, axis=-1, descending=False):
        return self.following(x, v, axis, descending, False)

    def op_put_sorted(self, x, v, axis=-1, descending=False):
        return self.following(x, v, axis, descending, True)

    def op_polyval(self, coefficients, x):
        def entry(at):
            result = coefficients.items[0] if coefficients.items else Jet(self.number(0))
            for c in coefficients.items[1:]:
                result = self.one("add", self.one("multiply", result, at), c)
            return result
        return Tensor(x.shape, [entry(at) for at in x.items])

    def table(self, x, xp, fp):
        """(value, slope) at each entry by NumPy's rules: constant beyond the knots; at a knot the slope of least norm (rule 3)."""
        knots, values = [self.number(k) for k in listed(xp)], [self.number(v) for v in listed(fp)]
        slopes = [(b - a) / (q - p) for p, q, a, b in zip(knots, knots[1:], values, values[1:])]
        around = [self.number(0), *slopes, self.number(0)]

        def entry(at):
            if at != at:
                return at, at
            i = bisect_right(knots, at)
            if i > 0 and knots[i - 1] == at:
                left, right = around[i - 1], around[i]
                return values[i - 1], self.number(0) if left * right <= 0 else min(left, right, key=abs)
            value = values[0] if i == 0 else values[-1] if i == len(knots) else values[i - 1] + around[i] * (at - knots[i - 1])
            return value, around[i]
        return [entry(jet.value) for jet in x.items]

    def op_interp(self, x, xp, fp):
        return Tensor(x.shape, [combine(value, [jet], [slope]) for jet, (value, slope) in zip(x.items, self.table(x, xp, fp))])

    def op_interp_slope(self, x, xp, fp):
        return Tensor(x.shape, [Jet(slope) for _, slope in self.table(x, xp, fp)])
