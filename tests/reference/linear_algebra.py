"""Reference rows of linear algebra: whole /jacobian requests with their exact values, Jacobians and Hessians.

Nothing here knows a derivative rule. Values are computed by mpmath at 150 digits (determinants by their sum over permutations, the
exponential by its series, eigenvalues and singular values by mpmath's own routines), derivatives by central differences of them with
steps of 10^-40: 70 digits of every derivative are right, of which 30 are written. Where a convention decides (singular and NaN
entries), the row carries its values by hand.
"""
from itertools import permutations, product

from mpmath import mp, mpf

from decimals import text
from graph import Interpreter, Tensor, broadcast_shape, from_nested, size, to_nested
from jet import Jet
from linear_algebra_cases import CASES

DIGITS = 150
STEP = "1e-40"
TWENTY_BITS = mpf(1) - mpf(2) ** -20


def number(value):
    return mpf(float(value)) if isinstance(value, str) else mpf(value)


def rows_of(m):
    return [[m[i, j] for j in range(m.cols)] for i in range(m.rows)]


def transposed(a):
    return [list(column) for column in zip(*a)]


def times(a, b):
    columns = transposed(b)
    return [[mp.fdot(row, column) for column in columns] for row in a]


def symmetric(a):
    return [[(a[i][j] + a[j][i]) / 2 for j in range(len(a))] for i in range(len(a))]


def solved(a, b):
    """Gauss and Jordan."""
    n = len(a)
    work = [list(left) + list(right) for left, right in zip(a, b)]
    for k in range(n):
        p = max(range(k, n), key=lambda i: abs(work[i][k]))
        work[k], work[p] = work[p], work[k]
        work[k] = [x / work[k][k] for x in work[k]]
        for i in range(n):
            if i != k:
                work[i] = [x - work[i][k] * y for x, y in zip(work[i], work[k])]
    return [row[n:] for row in work]


def identity(n):
    return [[mpf(1 if i == j else 0) for j in range(n)] for i in range(n)]


def determinant(a):
    """The sum over permutations."""
    n, terms = len(a), []
    for order in permutations(range(n)):
        odd = sum(order[i] > order[j] for i in range(n) for j in range(i + 1, n)) % 2
        term = mpf(-1 if odd else 1)
        for i, j in enumerate(order):
            term *= a[i][j]
        terms.append(term)
    return mp.fsum(terms)


def cofactors(a, directions):
    """Signed minors; along directions, every choice of rows that they take the place of."""
    n = len(a)

    def minor(i, j):
        rows = [r for r in range(n) if r != i]
        part = lambda m: [[m[r][c] for c in range(n) if c != j] for r in rows]
        total, base, others = mpf(0), part(a), [part(e) for e in directions]
        for places in permutations(range(n - 1), len(directions)):
            mixed = [list(row) for row in base]
            for place, other in zip(places, others):
                mixed[place] = other[place]
            total += determinant(mixed)
        return total if (i + j) % 2 == 0 else -total
    return [[minor(i, j) for j in range(n)] for i in range(n)]


def turned(vector):
    """Whether the first component of (nearly) the largest size is negative."""
    top = max(abs(x) for x in vector)
    return next(x for x in vector if abs(x) >= top * TWENTY_BITS) < 0


def eigen(a):
    if not a:
        return [], []
    values, vectors = mp.eigsy(mp.matrix(symmetric(a)))
    pairs = sorted(((values[i], [vectors[j, i] for j in range(len(a))]) for i in range(len(a))), key=lambda pair: pair[0])
    pairs = [(value, [-x for x in vector] if turned(vector) else vector) for value, vector in pairs]
    return [value for value, _ in pairs], transposed([vector for _, vector in pairs])


def singular(a, columns):
    """(u, s, vh), reduced."""
    k = min(len(a), columns)
    if k == 0:
        return [[] for _ in a], [], []
    if len(a) < columns:
        v, s, uh = singular_tall(transposed(a))
        u, vh = transposed(uh), transposed(v)
    else:
        u, s, vh = singular_tall(a)
    for i in range(k):
        if turned([row[i] for row in u]):
            for row in u:
                row[i] = -row[i]
            vh[i] = [-x for x in vh[i]]
    return u, s, vh


def singular_tall(a):
    u, s, vh = mp.svd_r(mp.matrix(a))
    return rows_of(u), [s[i] for i in range(len(s))], rows_of(vh)


def triangle(a):
    """Gram and Schmidt on the first columns, the others by their projections: (q, r) with a diagonal that is not negative."""
    m, n = len(a), len(a[0]) if a else 0
    q, columns = [], transposed(a)
    for column in columns[:min(m, n)]:
        for _ in range(2):
            for other in q:
                share = mp.fdot(other, column)
                column = [x - share * y for x, y in zip(column, other)]
        length = mp.sqrt(mp.fdot(column, column))
        q.append([x / length for x in column])
    r = [[mp.fdot(direction, column) if i <= j else mpf(0) for j, column in enumerate(columns)] for i, direction in enumerate(q)]
    return transposed(q) if q else [[] for _ in a], r


def pseudoinverse(a, columns):
    u, s, vh = singular(a, columns)
    kept = [i for i, value in enumerate(s) if value > max(len(a), columns) * mpf(2) ** -52 * s[0]]
    return [[mp.fsum(vh[k][i] * u[j][k] / s[k] for k in kept) for j in range(len(a))] for i in range(columns)]


def exponential(a):
    return rows_of(mp.expm(mp.matrix(a), method="taylor")) if a else []


class Algebra(Interpreter):
    """The interpreter with linear algebra on values alone."""

    def matrices(self, rule, args, results):
        """Applies rule(matrix...) -> one flat list a result over broadcast batches; `results`: the shape of each."""
        batch = broadcast_shape(*(arg.shape[:-2] for arg in args))
        flats = [[] for _ in results]
        for index in product(*(range(n) for n in batch)):
            part = []
            for arg in args:
                own = index[len(index) - len(arg.shape) + 2:]
                own = [0 if n == 1 else i for n, i in zip(arg.shape[:-2], own)]
                rows, columns = arg.shape[-2:]
                part.append([[arg.at([*own, i, j]).value for j in range(columns)] for i in range(rows)])
            for flat, result in zip(flats, rule(*part)):
                flat.extend(Jet(x) for x in result)
        return [Tensor((*batch, *shape), flat) for shape, flat in zip(results, flats)]

    def one_result(self, rule, args, shape):
        return self.matrices(lambda *parts: [[x for row in rule(*parts) for x in row]], args, [shape])[0]

    def system(self, a, b, rule):
        columns = b if len(b.shape) > 1 else Tensor((*b.shape, 1), b.items)
        x = self.one_result(rule, [a, columns], columns.shape[-2:])
        return x if len(b.shape) > 1 else Tensor(x.shape[:-1], x.items)

    def op_solve(self, a, b, transpose=False):
        return self.system(a, b, lambda a, b: solved(transposed(a) if transpose else a, b))

    def op_triangular_solve(self, a, b, lower=False, transpose=False):
        def rule(a, b):
            n = len(a)
            t = [[a[i][j] if i == j or (i > j) == lower else mpf(0) for j in range(n)] for i in range(n)]
            return solved(transposed(t) if transpose else t, b)
        return self.system(a, b, rule)

    def op_inv(self, a):
        return self.one_result(lambda a: solved(a, identity(len(a))), [a], a.shape[-2:])

    def op_det(self, a):
        return self.matrices(lambda a: [[determinant(a)]], [a], [()])[0]

    def op_slogdet(self, a):
        def rule(a):
            value = determinant(a)
            return [[mp.sign(value)], [mp.log(abs(value))]]
        return dict(zip(("sign", "logabsdet"), self.matrices(rule, [a], [(), ()])))

    def op_cofactor(self, a, *directions):
        return self.one_result(lambda a, *es: cofactors(a, es), [a, *directions], a.shape[-2:])

    def op_cholesky(self, a):
        def rule(a):
            return rows_of(mp.cholesky(mp.matrix(symmetric(a)), tol=mpf("1e-140"))) if a else []
        return self.one_result(rule, [a], a.shape[-2:])

    def op_eigh(self, a):
        n = a.shape[-1]
        def rule(a):
            values, vectors = eigen(a)
            return [values, [x for row in vectors for x in row]]
        return dict(zip(("values", "vectors"), self.matrices(rule, [a], [(n,), (n, n)])))

    def op_svd(self, a):
        m, n = a.shape[-2:]
        k = min(m, n)
        def rule(a):
            u, s, vh = singular(a, n)
            return [[x for row in u for x in row], s, [x for row in vh for x in row]]
        return dict(zip(("u", "s", "vh"), self.matrices(rule, [a], [(m, k), (k,), (k, n)])))

    def op_qr(self, a):
        m, n = a.shape[-2:]
        k = min(m, n)
        def rule(a):
            q, r = triangle(a)
            return [[x for row in q for x in row], [x for row in r for x in row]]
        return dict(zip(("q", "r"), self.matrices(rule, [a], [(m, k), (k, n)])))

    def op_matrix_norm(self, a, ord):
        n = a.shape[-1]
        return self.matrices(lambda a: [[max(singular(a, n)[1]) if ord == 2 else mp.fsum(singular(a, n)[1])]], [a], [()])[0]

    def op_pinv(self, a):
        m, n = a.shape[-2:]
        return self.one_result(lambda a: pseudoinverse(a, n), [a], (n, m))

    def op_expm(self, a):
        return self.one_result(exponential, [a], a.shape[-2:])

    def op_expm_derivative(self, a, e):
        """The upper right block of exp((A E; 0 A))."""
        def rule(a, e):
            n = len(a)
            whole = [list(x) + list(y) for x, y in zip(a, e)] + [[mpf(0)] * n + list(x) for x in a]
            return [row[n:] for row in exponential(whole)[:n]]
        return self.one_result(rule, [a, e], a.shape[-2:])


def evaluate(graph, at):
    """Output name -> (shape, flat values)."""
    tensors = {name: Tensor(shape, [Jet(x) for x in flat]) for name, (shape, flat) in at.items()}
    results = Algebra(mp, number).run(graph, tensors)
    return {name: (result.shape, [entry.value for entry in result.items]) for name, result in results.items()}


def flattened(graph, at):
    tensors = {}
    for declared in graph["inputs"]:
        name, shape = (declared, []) if isinstance(declared, str) else (declared["name"], declared["shape"])
        tensor = from_nested(at[name], shape, number)
        tensors[name] = (tuple(shape), [entry.value for entry in tensor.items])
    return tensors


def moved(at, moves):
    """`at` with entries moved: (name, position, by)..."""
    result = dict(at)
    for name, i, by in moves:
        shape, flat = result[name]
        result[name] = (shape, [x + by if k == i else x for k, x in enumerate(flat)])
    return result


def step(at, name):
    return mpf(STEP) * (max([abs(x) for x in at[name][1]] + [mpf(0)]) or 1)


def cleaned(flat):
    """Differences of what does not change are 0, but for rounding."""
    least = max([abs(x) for x in flat] + [mpf(0)]) * mpf("1e-55")
    return [text(mpf(0) if abs(x) <= least else x) for x in flat]


def answer(graph, at):
    """(value, jacobian) as nested decimal texts."""
    base = evaluate(graph, at)
    value = {name: to_nested(shape, [positive(text(x)) for x in flat]) for name, (shape, flat) in base.items()}
    jacobian = {name: {} for name in base}
    for source, (shape, flat) in at.items():
        h = step(at, source)
        columns = {name: [] for name in base}
        for i in range(len(flat)):
            up, down = (evaluate(graph, moved(at, [(source, i, by)])) for by in (h, -h))
            for name in base:
                # what does not change differs by rounding, 150 digits down
                pairs = zip(up[name][1], down[name][1])
                columns[name].append([mpf(0) if abs(a - b) <= mpf("1e-140") * abs(a) else (a - b) / (2 * h) for a, b in pairs])
        for name, (own, values) in base.items():
            entries = [columns[name][i][k] for k in range(len(values)) for i in range(len(flat))]
            jacobian[name][source] = to_nested((*own, *shape), [positive(word) for word in cleaned(entries)])
    return value, jacobian


def positive(word):
    return "0.0" if word == "-0.0" else word


WEIGHTS = [1.0, -0.5, 0.75, 1.25, -1.5, 0.25, 2.0, -0.125, 0.375]


def weighed(graph, outputs):
    """The graph with one output f: a weighed sum of all that it has."""
    terms, k = [], 0
    for output in graph["outputs"]:
        shape, flat = outputs[output["name"]]
        weights = [WEIGHTS[(k + i) % len(WEIGHTS)] for i in range(len(flat))]
        k += len(flat)
        term = {"op": "multiply", "args": [output["value"], {"const": to_nested(shape, weights)}]}
        terms.append({"op": "sum", "args": [term]} if shape else term)
    value = terms[0] if len(terms) == 1 else {"op": "add", "args": terms}
    return {**graph, "outputs": [{"name": "f", "value": value}]}


def hessian(graph, at):
    """Second differences of the weighed sum, as blocks input x input."""
    whole = weighed(graph, evaluate(graph, at))
    f = lambda moves: evaluate(whole, moved(at, moves))["f"][1][0]
    places = [(name, i) for name, (_, flat) in at.items() for i in range(len(flat))]
    entries = {}
    for p, q in product(places, places):
        if (q, p) in entries:
            entries[p, q] = entries[q, p]
            continue
        h, k = step(at, p[0]), step(at, q[0])
        corners = [(s, t, f([(*p, s * h), (*q, t * k)])) for s in (1, -1) for t in (1, -1)]
        difference = mp.fsum(s * t * value for s, t, value in corners)
        # what is linear in both has a difference of rounding, 150 digits down
        rounding = mpf("1e-140") * max(abs(value) for _, _, value in corners)
        entries[p, q] = mpf(0) if abs(difference) <= rounding else difference / (4 * h * k)
    blocks = {}
    for a, (shape_a, flat_a) in at.items():
        blocks[a] = {}
        for b, (shape_b, flat_b) in at.items():
            flat = [entries[(a, i), (b, j)] for i in range(len(flat_a)) for j in range(len(flat_b))]
            blocks[a][b] = to_nested((*shape_a, *shape_b), [positive(word) for word in cleaned(flat)])
    return {"graph": whole, "blocks": blocks}


def rows(scale=1):
    """All rows; `scale` multiplies the working digits (the self-check sees that nothing changes)."""
    result = []
    with mp.workdps(scale * DIGITS):
        for case in CASES:
            graph, at = case["graph"], case["at"]
            row = {"name": case["name"], "op": case["op"], "request": {"graph": graph, "at": at}}
            if "value" in case:
                row["value"], row["jacobian"] = case["value"], case["jacobian"]
            else:
                row["value"], row["jacobian"] = answer(graph, flattened(graph, at))
            for key in ("bound", "floor", "modes", "note"):
                if key in case:
                    row[key] = case[key]
            if case.get("hessian"):
                row["hessian"] = hessian(graph, flattened(graph, at))
            result.append(row)
    assert len({row["name"] for row in result}) == len(result)
    return result
