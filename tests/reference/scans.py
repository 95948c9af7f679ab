"""Spreads and running folds of the reference interpreter."""
from jet import Jet, combine
from tensors import Tensor, broadcast, broadcast_shape


class Scans:
    def spread(self, jets, correction):
        """The sum of squared deviations and what it is divided by."""
        mean = self.one("divide", self.total(jets), Jet(self.number(len(jets)))) if jets else None
        deviations = [self.one("subtract", j, mean) for j in jets]
        return deviations, self.total([self.one("square", d) for d in deviations]), max(len(jets) - self.number(correction), self.number(0))

    def op_var(self, x, axis=None, keepdims=False, correction=0):
        def rule(jets):
            deviations, squares, count = self.spread(jets, correction)
            if count == 0:  # IEEE: what is divided by 0 is infinite, or NaN where it is 0 too
                return by_zero(squares.value, jets, [d.value for d in deviations])
            return self.one("divide", squares, Jet(count))
        return self.reduce(x, axis, keepdims, rule)

    def op_std(self, x, axis=None, keepdims=False, correction=0):
        def rule(jets):
            deviations, squares, count = self.spread(jets, correction)
            if count == 0:
                return by_zero(squares.value, jets, [float("nan") if d.value else 0 for d in deviations])
            variance = self.one("divide", squares, Jet(count))
            return Jet(variance.value) if variance.value == 0 else self.one("sqrt", variance)
        return self.reduce(x, axis, keepdims, rule)

    def running(self, x, axis, reverse, step):
        """step(previous or None, own) along lines."""
        def rule(line):
            done = []
            for own in line[::-1] if reverse else line:
                done.append(step(done[-1] if done else None, own))
            return done[::-1] if reverse else done
        return self.lines(x, 0 if axis is None else axis, rule)

    def op_cumulative_sum(self, x, axis=None, reverse=False):
        return self.running(x, axis, reverse, lambda last, own: own if last is None else self.one("add", last, own))

    def op_cumulative_prod(self, x, axis=None, reverse=False):
        return self.running(x, axis, reverse, lambda last, own: own if last is None else self.one("multiply", last, own))

    def op_linear_recurrence(self, a, b, axis=None, reverse=False, chain=False):
        def product(factor, last):
            if chain and (factor.value == 0 or last.value == 0):
                return combine(self.number(0), [factor, last], [last.value, factor.value], {(0, 1): 1, (1, 0): 1})
            return self.one("multiply", factor, last)
        shape = broadcast_shape(a.shape, b.shape)
        pairs = Tensor(shape, list(zip(broadcast(a, shape).items, broadcast(b, shape).items)))
        return self.running(pairs, axis, reverse, lambda last, own: own[1] if last is None else self.one("add", product(own[0], last), own[1]))


def by_zero(value, jets, slopes):
    """value ÷ 0 with the slopes ÷ 0."""
    over = lambda number: float("nan") if number == 0 or number != number else float("inf") * (1 if number > 0 else -1)
    result = Jet(over(value))
    for jet, slope in zip(jets, slopes):
        for key in jet.gradient:
            result.gradient[key] = over(slope)
    return result
