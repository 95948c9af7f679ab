"""Structure operators of the reference interpreter: functions inside functions.

Loops are Python's, so that derivatives are carried along by the jets. An implicit function is found by Newton's method on values and then
iterated twice more as jets with its slope held fixed: the first time makes the first derivatives exact, the second time the second ones. No
rule for any derivative stands here.
"""
from fractions import Fraction
from itertools import count

from jet import Jet
from tensors import Tensor, from_nested, size

# Explicit Runge-Kutta methods: (time, weights of the slopes before) a stage, then the weights of all slopes.
F = Fraction
METHODS = {
    "rk4": ([(F(0), []), (F(1, 2), [F(1, 2)]), (F(1, 2), [F(0), F(1, 2)]), (F(1), [F(0), F(0), F(1)])], [F(1, 6), F(1, 3), F(1, 3), F(1, 6)]),
    # Dormand and Prince (1980), the formula of order 5
    "dopri5": ([(F(0), []), (F(1, 5), [F(1, 5)]), (F(3, 10), [F(3, 40), F(9, 40)]), (F(4, 5), [F(44, 45), F(-56, 15), F(32, 9)]),
                (F(8, 9), [F(19372, 6561), F(-25360, 2187), F(64448, 6561), F(-212, 729)]),
                (F(1), [F(9017, 3168), F(-355, 33), F(46732, 5247), F(49, 176), F(-5103, 18656)])],
               [F(35, 384), F(0), F(500, 1113), F(125, 192), F(-2187, 6784), F(11, 84)]),
}
KEYS = count()


def inputs_of(body):
    """[(name, shape)] of a function."""
    return [(i, []) if isinstance(i, str) else (i["name"], i.get("shape", [])) for i in body["inputs"]]


def slices(x):
    """The entries of the leading axis."""
    rest = x.shape[1:]
    step = size(rest)
    return [Tensor(rest, x.items[i * step:(i + 1) * step]) for i in range(x.shape[0])]


class Structures:
    def invoked(self, function, args):
        """The results of a function of the graph as a dictionary."""
        body = self.functions[function]
        assert [list(arg.shape) for arg in args] == [list(shape) for _, shape in inputs_of(body)], function
        return self.run(body, {name: arg for (name, _), arg in zip(inputs_of(body), args)})

    def results(self, results):
        return results if len(results) > 1 else next(iter(results.values()))

    def names_of(self, function):
        return [output if isinstance(output, str) else output["name"] for output in self.functions[function]["outputs"]]

    def shapes_of(self, function):
        """The results of a function, as it were, at a point where nothing fails."""
        return self.invoked(function, [Tensor(shape, [Jet(self.number(1.5))] * size(shape)) for _, shape in inputs_of(self.functions[function])])

    def stacked(self, parts, function):
        """What several applications gave, stacked: name -> Tensor."""
        return {name: Tensor((len(parts), *one.shape), [item for part in parts for item in part[name].items])
                for name, one in self.shapes_of(function).items()}

    def op_call(self, *args, function):
        return self.results(self.invoked(function, args))

    def op_item(self, several, index):
        return several[index] if isinstance(index, str) else list(several.values())[index]

    def op_stop_gradient(self, x):
        return Tensor(x.shape, [Jet(item.value) for item in x.items])

    def op_map(self, *args, function, in_axes=0):
        axes = in_axes if isinstance(in_axes, list) and len(in_axes) == len(args) else [0] * len(args)
        entries = {x.shape[0] for x, axis in zip(args, axes) if axis == 0}
        assert len(entries) == 1
        columns = [slices(x) if axis == 0 else [x] * entries.copy().pop() for x, axis in zip(args, axes)]
        return self.results(self.stacked([self.invoked(function, entry) for entry in zip(*columns)], function))

    def holds(self, function, args):
        """A condition: not zero, so that NaN is true."""
        return next(iter(self.invoked(function, args).values())).items[0].value != 0

    def op_scan(self, *args, function, carry=1, xs=None, length=None, guard=None):
        xs = (1 if length is None else 0) if xs is None else xs
        carries, sliced, parameters = list(args[:carry]), [slices(x) for x in args[carry:carry + xs]], list(args[carry + xs:])
        names = self.names_of(function)
        rows = []
        for step in range(len(sliced[0]) if length is None else length):
            given = carries + [x[step] for x in sliced] + parameters
            if guard is not None and not self.holds(guard, given):
                rows.append({name: Tensor(one.shape, [Jet(self.number(0)) for _ in one.items]) for name, one in self.shapes_of(function).items()})
                continue
            made = self.invoked(function, given)
            carries = [made[name] for name in names[:carry]]
            rows.append(made)
        stacked = self.stacked(rows, function)
        return self.results({**dict(zip(names, carries)), **{name: stacked[name] for name in names[carry:]}})

    def op_while_loop(self, *args, condition, body, carry=1, max_steps):
        carries, parameters = list(args[:carry]), list(args[carry:])
        names = self.names_of(body)
        for _ in range(max_steps):
            if not self.holds(condition, carries + parameters):
                break
            made = self.invoked(body, carries + parameters)
            carries = [made[name] for name in names]
        return self.results(dict(zip(names, carries)))

    # implicit functions

    def op_root(self, guess, *parameters, function, tolerance=1e-12, max_steps=50):
        return self.implicit(lambda z: next(iter(self.invoked(function, [z, *parameters]).values())), guess, tolerance, max_steps)

    def op_fixed_point(self, guess, *parameters, function, tolerance=1e-12, max_steps=50):
        def gap(z):
            return self.apply("subtract", [z, next(iter(self.invoked(function, [z, *parameters]).values()))], {})
        return self.implicit(gap, guess, tolerance, max_steps)

    def implicit(self, residual, guess, tolerance, max_steps):
        shape, n = guess.shape, size(guess.shape)
        m = self.context

        def slopes(z):
            """The residual at plain values, and its matrix of slopes."""
            keys = [("root", next(KEYS)) for _ in z]
            value = residual(Tensor(shape, [Jet(x, {key: self.number(1)}) for x, key in zip(z, keys)])).items
            matrix = m.matrix(n, n)
            for i, item in enumerate(value):
                for j, key in enumerate(keys):
                    matrix[i, j] = item.gradient.get(key, self.number(0))
            return [item.value for item in value], matrix

        def step(z):
            value, matrix = slopes(z)
            if not any(x != 0 for x in value):
                return [self.number(0)] * n
            return list(m.lu_solve(matrix, m.matrix(value)))

        z, converged = [item.value for item in guess.items], n == 0
        for _ in range(max_steps):
            if converged:
                break
            try:
                moves = step(z)
            except ZeroDivisionError:
                break
            z = [x - move for x, move in zip(z, moves)]
            converged = all(abs(move) <= tolerance * max(1, abs(x)) for move, x in zip(moves, z))
        if not converged or any(x != x for x in z):
            depends = residual(Tensor(shape, [Jet(m.nan) for _ in range(n)])).items
            keys = {key for item in depends for key in item.gradient}
            return Tensor(shape, [Jet(m.nan, {key: m.nan for key in keys}) for _ in range(n)])
        if n == 0:
            return Tensor(shape, [])
        for _ in range(8):  # to the last digit, which a rough tolerance does not ask for
            if tolerance > 1e-6 or m.mnorm(m.matrix(moves)) == 0:
                break
            moves = step(z)
            z = [x - move for x, move in zip(z, moves)]
        _, matrix = slopes(z)
        inverse = matrix**-1
        jets = [Jet(x) for x in z]
        for _ in range(2):
            value = residual(Tensor(shape, jets)).items
            corrections = [self.total([self.one("multiply", Jet(inverse[i, j]), value[j]) for j in range(n)]) for i in range(n)]
            jets = [self.one("subtract", jet, correction) for jet, correction in zip(jets, corrections)]
            jets = [Jet(x, jet.gradient, jet.hessian) for x, jet in zip(z, jets)]
        return Tensor(shape, jets)

    # initial value problems

    def op_odeint(self, y, t, *parameters, function, method="rk4", steps=1):
        times = slices(t)
        constant = lambda fraction: from_nested(self.number(fraction.numerator) / fraction.denominator, (), self.number)
        total = lambda terms: terms[0] if len(terms) == 1 else self.apply("add", terms, {})
        product = lambda a, b: self.apply("multiply", [a, b], {})
        stages, weights = METHODS[method]

        def moved(y, h, slopes, weights):
            terms = [product(constant(weight), slope) for weight, slope in zip(weights, slopes) if weight]
            return total([y, product(h, total(terms))]) if terms else y

        found = [y] if times else []
        for begin, end in zip(times, times[1:]):
            h = self.apply("divide", [self.apply("subtract", [end, begin], {}), constant(Fraction(steps))], {})
            for number in range(steps):
                start, slopes = total([begin, product(constant(Fraction(number)), h)]), []
                for time, before in stages:
                    when = total([start, product(constant(time), h)])
                    slopes.append(next(iter(self.invoked(function, [moved(y, h, slopes, before), when, *parameters]).values())))
                y = moved(y, h, slopes, weights)
            found.append(y)
        return Tensor((len(times), *y.shape), [item for one in found for item in one.items])
