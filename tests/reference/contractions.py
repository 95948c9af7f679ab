"""Products of the reference interpreter: every sum over every assignment of its indices, one after another."""
from collections import Counter

from jet import Jet, combine
from tensors import Tensor, broadcast, broadcast_shape, build, indices, size


class Contractions:
    def product_of(self, jets):
        result = jets[0]
        for jet in jets[1:]:
            result = self.one("multiply", result, jet)
        return result

    def op_einsum(self, *xs, subscripts):
        terms, arrow, output = subscripts.replace(" ", "").partition("->")
        terms = terms.split(",")
        hidden = max(len(x.shape) - len(term.replace("...", "")) if "..." in term else 0 for x, term in zip(xs, terms))
        dots = [f"<{k}>" for k in range(hidden)]

        def labels(term, rank):
            before, ellipsis, after = term.partition("...")
            middle = dots[hidden - (rank - len(before) - len(after)):] if ellipsis else []
            return [*before, *middle, *after]
        named = [labels(term, len(x.shape)) for x, term in zip(xs, terms)]
        counts = Counter(label for label in "".join(terms) if label.isalpha())
        result = labels(output, len(output.replace("...", "")) + hidden) if arrow else dots + sorted(label for label, n in counts.items() if n == 1)
        sizes = {}
        for own, x in zip(named, xs):
            for label, n in zip(own, x.shape):
                assert sizes.get(label, 1) in (1, n) or n == 1, subscripts
                sizes[label] = n if sizes.get(label, 1) == 1 else sizes[label]
        summed = [label for label in sizes if label not in result]

        def entry(index):
            where = dict(zip(result, index))
            terms = []
            for moving in indices([sizes[label] for label in summed]):
                where.update(zip(summed, moving))
                terms.append(self.product_of([x.at([0 if n == 1 else where[label] for label, n in zip(own, x.shape)]) for own, x in zip(named, xs)]))
            return self.total(terms)
        return build([sizes[label] for label in result], entry)

    def op_tensordot(self, a, b, axes=2):
        if isinstance(axes, int):
            axes = [list(range(len(a.shape) - axes, len(a.shape))), list(range(axes))]
        left, right = ([entry % len(x.shape) for entry in (own if isinstance(own, list) else [own])] for own, x in zip(axes, (a, b)))
        assert [a.shape[i] for i in left] == [b.shape[i] for i in right]
        free = [[i for i in range(len(x.shape)) if i not in used] for x, used in ((a, left), (b, right))]

        def entry(index):
            def at(x, kept, values, used, moving):
                where = {**dict(zip(kept, values)), **dict(zip(used, moving))}
                return x.at([where[i] for i in range(len(x.shape))])
            split = len(free[0])
            moving = list(indices([a.shape[i] for i in left]))
            return self.dot([at(a, free[0], index[:split], left, m) for m in moving], [at(b, free[1], index[split:], right, m) for m in moving])
        return build([a.shape[i] for i in free[0]] + [b.shape[i] for i in free[1]], entry)

    def op_cross(self, a, b, axis=-1):
        shape = broadcast_shape(a.shape, b.shape)
        a, b, axis = broadcast(a, shape), broadcast(b, shape), axis % len(shape)

        def entry(index):
            part = lambda x, step: x.at([(i + step) % 3 if n == axis else i for n, i in enumerate(index)])
            return self.one("subtract", self.one("multiply", part(a, 1), part(b, 2)), self.one("multiply", part(a, 2), part(b, 1)))
        return build(shape, entry)

    def op_kron(self, a, b):
        rank = max(len(a.shape), len(b.shape))
        a, b = (Tensor([1] * (rank - len(x.shape)) + list(x.shape), x.items) for x in (a, b))
        return build([m * n for m, n in zip(a.shape, b.shape)], lambda index: self.one(
            "multiply", a.at([i // n for i, n in zip(index, b.shape)]), b.at([i % n for i, n in zip(index, b.shape)])))

    def op_convolve(self, a, v, mode="full", chain=False):
        n, m = a.shape[0], v.shape[0]
        less = min(n, m)
        start, count = {"full": (0, n + m - 1), "same": ((less - 1) // 2, max(n, m)), "valid": (less - 1, abs(n - m) + 1)}[mode]

        def entry(index):
            k = start + index[0]
            pairs = [(a.items[i], v.items[k - i]) for i in range(n) if 0 <= k - i < m]
            return self.total([self.one("multiply", *pair) for pair in pairs])
        return build((count,), entry)

    # matrices

    def of_singular_values(self, matrix, ord):
        """The largest singular value or their sum, by mpmath's decomposition; along those that are 0, as along ties, rule 3."""
        m, n = matrix.shape
        if any(jet.value != jet.value for jet in matrix.items):
            return combine(self.number(float("nan")), matrix.items, [self.number(float("nan"))] * (m * n))
        values = self.context.matrix([[matrix.at((i, j)).value for j in range(n)] for i in range(m)])
        u, s, vh = self.context.svd_r(values)
        tiny = self.number(10) ** -(self.context.dps - 10)
        least = max(s) * tiny
        counts = [k for k in range(len(s)) if s[k] > least and (ord == "nuc" or s[k] >= max(s) * (1 - tiny))]
        share = 1 if ord == "nuc" else self.number(1) / max(1, len(counts))
        slopes = [share * sum((u[i, k] * vh[k, j] for k in counts), self.number(0)) for i in range(m) for j in range(n)]
        clean = [self.number(0) if abs(slope) < tiny else slope for slope in slopes]
        return combine(sum(s, self.number(0)) if ord == "nuc" else max(s), matrix.items, clean)

    def op_trace(self, x, offset=0):
        return self.op_sum(self.op_diagonal(x, offset), axis=-1)

    def op_matrix_norm(self, x, keepdims=False, ord="fro"):
        *batch, m, n = x.shape

        def entry(index):
            matrix = Tensor((m, n), [x.at((*index, i, j)) for i in range(m) for j in range(n)])
            if ord == "fro" or m * n == 0:
                return self.op_vector_norm(matrix).items[0]
            if ord in ("nuc", 2) and m * n:
                return self.of_singular_values(matrix, ord)
            sums = self.op_sum(self.apply("abs", [matrix], {}), axis=0 if ord == 1 else 1)
            return self.op_max(sums).items[0] if size(sums.shape) else Jet(self.number(0))
        result = build(batch, entry)
        return Tensor([*batch, 1, 1], result.items) if keepdims else result
