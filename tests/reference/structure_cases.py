"""The requests of structure.py: functions, graph, point, bound, and whether second derivatives are checked (they are unless a pole, a NaN or
a size of 0 leaves nothing to check)."""
from written import function, graph

NEAR, FAR = 1e-13, 1e-12
NAN, INF = "NaN", "Infinity"


def case(kind, label, at, outputs, /, bound=NEAR, hessian=True, shapes=None, by_hand=None, note=None, differenced=False, floor=None, **functions):
    """`outputs`: name -> expression, or the one expression of y; `functions`: those of the graph by name."""
    outputs = {"y": outputs} if isinstance(outputs, str) else outputs
    more = {"by_hand": by_hand, "note": note, "differenced": differenced, "floor": floor}
    return {"name": f"{kind}, {label}", "op": kind, "graph": graph(at, outputs, functions, shapes), "at": at, "bound": bound, "hessian": hessian,
            **{key: value for key, value in more.items() if value}}


# Functions that several cases use.
WAVE = function("u", y="sin(u * u)")
PAIR = function("a b", s="a * b + sin(a)", d="a / b")
STEP = function("c x", next="sin(c) * x + c", seen="c * x")

CALLS = [
    case("call", "of its own result", {"x": 0.7}, "call(call(x, function='wave'), function='wave')", wave=WAVE),
    case("call", "with a repeated argument", {"x": 1.5}, "call(x, x, function='f')", f=function("a b", y="a * b + a / b")),
    case("call", "that ignores an argument, which is NaN", {"x": 0.25, "n": NAN}, "call(x, n, function='f')", f=function("a b", y="exp(a)")),
    case("call", "with arguments changed over", {"x": 2.0, "y": 3.0}, {"z": "call(y, x, function='f')"}, f=function("x y", y="x ** 3 / y")),
    case("call", "through three functions", {"x": 0.3, "p": -1.25}, "call(x, p, function='f')", f=function("x p", y="call(p, x, function='g') * x"),
         g=function("x p", y="exp(x) + call(x * p, function='h')"), h=function("x", y="tanh(x)")),
    case("call", "of nothing", {"x": 0.5}, "x * call(function='f')", f={"inputs": [], "nodes": [], "outputs": [{"name": "y", "value": {"const": 3.25}}]}),
    case("call", "at a kink", {"x": 0.0, "p": 2.0}, "call(x, function='f') * p + x * p", f=function("u", y="abs(u)")),
    case("call", "at a pole that nothing reaches", {"x": 0.0}, "call(call(x, function='g'), function='f')", hessian=False, f=function("u", y="sqrt(u)"), g=function("u", y="u * u")),
    case("call", "at a pole", {"x": 0.0, "p": -2.0}, "call(x, function='f') * p", hessian=False, f=function("u", y="log(u)")),
    case("call", "of sizes far apart", {"x": 700.0, "p": 1e-300}, "call(x, p, function='f')", f=function("u p", y="exp(u) * p")),
    case("call", "of tensors", {"A": [[0.5, -1.0], [2.0, 0.25]], "v": [1.5, -0.5]}, "call(A, v, function='f')", f=function("M:2,2 w:2", y="exp(M @ w) * w")),
    case("call", "that is the identity", {"x": [0.5, -0.0]}, "call(x, function='f') * x", f=function("u:2", y="u")),
]

MAPS = [
    case("map", "of a smooth function", {"x": [0.3, -1.2, 2.5]}, "map(x, function='wave')", wave=WAVE),
    case("map", "with a shared argument", {"x": [0.3, -1.2, 0.0], "p": 0.75}, "map(x, p, function='f', in_axes=[0, None])", f=function("u p", y="exp(u * p) * p")),
    case("map", "with a shared argument in front", {"p": [0.5, -0.25], "x": [[1.0, 2.0], [0.0, -1.5], [3.0, 0.125]]}, "map(p, x, function='f', in_axes=[None, 0])",
         f=function("p:2 u:2", y="logsumexp(p * u)")),
    case("map", "with several results", {"x": [0.5, -2.0], "w": [1.5, 0.25]}, {"s": "item(map(x, w, function='pair'), index=0)", "d": "item(map(x, w, function='pair'), index='d')"}, pair=PAIR),
    case("map", "of no entries", {"x": [], "p": 2.0}, "map(x, p, function='f', in_axes=[0, None])", hessian=False, shapes={"x": [0]}, f=function("u p", y="u * p")),
    case("map", "of no entries, summed", {"x": [], "p": 2.0}, "sum(map(x, p, function='f', in_axes=[0, None])) + p * p", shapes={"x": [0]}, f=function("u p", y="u * p")),
    case("map", "of one entry", {"x": [[0.5, 2.0]]}, "map(x, function='f')", f=function("u:2", y="prod(u)")),
    case("map", "of a function that ignores its entry", {"x": [1.0, NAN], "p": 0.5}, "map(x, p, function='f', in_axes=[0, None])", f=function("u p", y="sin(p)")),
    case("map", "with a repeated argument", {"x": [0.5, -0.0, 2.0]}, "map(x, x, function='f')", f=function("a b", y="a * a * b")),
    case("map", "at kinks and ties", {"x": [0.0, 1.0, -2.0], "w": [0.0, 1.0, 3.0]}, "map(x, w, function='f')", f=function("a b", y="maximum(a, b) * 3.0 + abs(a)")),
    case("map", "of sizes far apart", {"x": [1e-300, 0.0, 1e150]}, "map(x, function='f')", f=function("u", y="u * u")),
    case("map", "with a NaN entry", {"x": [0.5, NAN, 2.0]}, "map(x, function='f')", hessian=False, f=function("u", y="exp(u)")),
    case("map", "of a map", {"x": [[0.5, 1.5, -1.0], [0.25, -0.75, 2.0]], "w": [1.0, 0.5, -0.5]}, "map(x, w, function='f', in_axes=[0, None])", f=function("r:3 w:3", y="map(r, w, function='g')"), g=function("a b", y="sin(a * b)")),
    case("map", "of a scan", {"x": [[0.5, 1.5, -1.0], [0.25, -0.75, 2.0]], "c": [0.5, 1.25]}, {"last": "item(map(c, x, function='f'), index='last')", "all": "item(map(c, x, function='f'), index=1)"},
         f=function("c r:3", last="item(scan(c, r, function='step'), index=0)", all="item(scan(c, r, function='step'), index='seen')"), step=STEP),
    case("map", "of a root", {"p": [0.5, 2.0, 1e6]}, "map(p, function='f')", bound=FAR, f=function("p", y="root(1.0, p, function='g')"), g=function("z p", r="z * z * z - p")),
]

SCANS = [
    case("scan", "of carries and slices", {"c": 0.5, "x": [0.3, -1.2, 2.5]}, {"last": "item(scan(c, x, function='step'), index=0)", "seen": "item(scan(c, x, function='step'), index=1)"}, step=STEP),
    case("scan", "of no steps", {"c": 0.5, "x": []}, {"last": "item(scan(c, x, function='step'), index=0)", "seen": "item(scan(c, x, function='step'), index=1)"}, shapes={"x": [0]}, step=STEP),
    case("scan", "of no steps by length", {"c": [0.5, NAN], "p": 2.0}, "scan(c, p, function='f', length=0)", f=function("c:2 p", next="c * p")),
    case("scan", "without slices", {"c": 0.3, "r": 3.7}, "scan(c, r, function='f', length=7)", bound=FAR, f=function("c r", next="r * c * (1.0 - c)")),
    case("scan", "with parameters", {"h": [0.5, -0.25], "x": [[1.0, 0.0], [-0.5, 2.0]], "W": [[0.5, 1.0], [-1.0, 0.25]], "b": [0.125, -0.5]},
         {"h1": "item(scan(h, x, W, b, function='cell'), index=0)", "hs": "item(scan(h, x, W, b, function='cell'), index=1)"},
         cell=function("h:2 x:2 W:2,2 b:2", next="tanh(W @ h + x + b)", out="h")),
    case("scan", "of several carries that change over", {"a": 0.5, "b": 1.25}, {"a1": "item(scan(a, b, function='f', carry=2, length=5), index=0)", "b1": "item(scan(a, b, function='f', carry=2, length=5), index='s')"},
         f=function("a b", r="b", s="a * b + 0.25")),
    case("scan", "that forgets its carry", {"c": NAN, "x": [2.0, -0.5]}, "item(scan(c, x, function='f'), index=0)", f=function("c x", next="x * x", seen="x")),
    case("scan", "with zeros among its factors", {"c": 2.0, "x": [3.0, 0.0, 5.0, 0.0]}, "item(scan(c, x, function='f'), index='next')", f=function("c x", next="c * x", seen="c")),
    case("scan", "with one zero among its factors", {"c": 2.0, "x": [3.0, 0.0, 5.0]}, "scan(c, x, function='f')", f=function("c x", next="c * x")),
    case("scan", "at kinks", {"c": 0.0, "x": [0.0, -1.0, 2.0]}, {"last": "item(scan(c, x, function='f'), index=0)", "seen": "item(scan(c, x, function='f'), index=1)"}, f=function("c x", next="relu(c + x)", seen="abs(c)")),
    case("scan", "with slices of different rank", {"c": 0.25, "x": [0.5, 1.5], "v": [[1.0, -1.0, 0.5], [2.0, 0.25, -0.75]]}, {"seen": "item(scan(c, x, v, function='f', xs=2), index=1)"},
         f=function("c x v:3", next="c * x + sum(v)", seen="v * c")),
    case("scan", "that ignores its slices", {"c": 0.5, "x": [NAN, 1.0]}, "scan(c, x, function='f')", f=function("c x", next="sin(c)")),
    case("scan", "of a NaN that is not chosen", {"c": 0.5, "x": [2.0, NAN, 3.0]}, "scan(c, x, function='f')", f=function("c x", next="where(isnan(x), c, c * x)")),
    case("scan", "with a guard", {"c": 1.5, "x": [2.0, -3.0, 0.5]}, {"last": "item(scan(c, x, function='step', guard='g'), index=0)", "seen": "item(scan(c, x, function='step', guard='g'), index=1)"},
         step=STEP, g=function("c x", go="x > 0.0")),
    case("scan", "of a scan", {"c": 0.5, "x": [0.5, -1.5, 1.0]}, "scan(c, x, x, function='f')", f=function("c a x:3", next="scan(c, x, a, function='g') * a"), g=function("c x a", next="c + x * a * c")),
    case("scan", "of a map", {"c": [0.5, -1.5], "x": [0.75, 2.0]}, "scan(c, x, function='f')", f=function("c:2 a", next="map(c, a, function='g', in_axes=[0, None])"), g=function("u a", y="sin(u * a) + u")),
    case("scan", "that grows far", {"c": 1e-150, "p": 1e30}, "scan(c, p, function='f', length=10)", f=function("c p", next="c * p")),
    case("scan", "in a convex body of forty steps", {"c": 0.9, "p": 0.125}, "scan(c, p, function='f', length=40)", f=function("c p", next="c * exp(-(p * c))")),
]

HALVE = {"above": function("c p", go="c > p"), "halve": function("c p", next="c * 0.5 * p")}
BABYLON = {"apart": function("x a", go="abs(x * x - a) > 1e-3"), "mean": function("x a", next="0.5 * (x + a / x)")}
LOOPS = [
    case("while_loop", "that its condition ends", {"c": 10.0, "p": 0.75}, "while_loop(c, p, condition='above', body='halve', max_steps=50)", **HALVE),
    case("while_loop", "that max_steps ends", {"c": 10.0, "p": 0.75}, "while_loop(c, p, condition='above', body='halve', max_steps=2)", **HALVE),
    case("while_loop", "of no steps", {"c": 0.5, "p": 0.75}, "while_loop(c, p, condition='above', body='halve', max_steps=50)", **HALVE),
    case("while_loop", "that may not step", {"c": 10.0, "p": 0.75}, "while_loop(c, p, condition='above', body='halve', max_steps=0)", **HALVE),
    case("while_loop", "at the edge of its condition", {"c": 0.75, "p": 0.75}, "while_loop(c, p, condition='above', body='halve', max_steps=50) * c", **HALVE),
    case("while_loop", "towards a root", {"a": 7.0, "x": 1.0}, "while_loop(x, a, condition='apart', body='mean', max_steps=60)", **BABYLON),
    case("while_loop", "towards a root of something large", {"a": 1e200, "x": 1e102}, "while_loop(x, a, condition='apart', body='mean', max_steps=9)", **BABYLON),
    case("while_loop", "of several carries", {"x": 0.8, "p": 1.5}, {"y": "item(while_loop(x, 0.0, p, condition='go', body='next', carry=2, max_steps=9), index=0)", "n": "item(while_loop(x, 0.0, p, condition='go', body='next', carry=2, max_steps=9), index='n')"},
         go=function("x n p", go="n < 4.0"), next=function("x n p", y="sin(x) * p", n="n + 1.0")),
    case("while_loop", "with a condition that is NaN", {"c": 0.5, "p": NAN}, "while_loop(c, p, condition='go', body='f', max_steps=3)", go=function("c p", go="p"), f=function("c p", next="c * c + c")),
    case("while_loop", "of a vector", {"v": [3.0, -4.0], "A": [[0.5, 0.25], [-0.25, 0.5]]}, "while_loop(v, A, condition='large', body='turn', max_steps=30)",
         large=function("v:2 A:2,2", go="vector_norm(v) > 0.5"), turn=function("v:2 A:2,2", next="A @ v")),
    case("while_loop", "with a kink", {"c": 1.0, "p": 1.0}, "while_loop(c, p, condition='go', body='f', max_steps=5)", go=function("c p", go="c < 3.0"), f=function("c p", next="abs(c - p) + c + 1.0")),
    case("while_loop", "that forgets its carry", {"c": 0.5, "p": 1.5}, "while_loop(c, p, condition='go', body='f', max_steps=5)", go=function("c p", go="c < 1.0"), f=function("c p", next="p * p")),
    case("while_loop", "doubling far", {"c": 1.0, "p": 1e10}, "while_loop(c, p, condition='go', body='f', max_steps=100)", go=function("c p", go="c < 1e155"), f=function("c p", next="c * p")),
    case("while_loop", "in a map, each entry with its own steps", {"c": [10.0, 0.5, 200.0], "p": [0.75, 0.75, 0.5]}, "map(c, p, function='f')", f=function("c p", y="while_loop(c, p, condition='above', body='halve', max_steps=50)"), **HALVE),
]

STOPS = [
    case("stop_gradient", "alone", {"x": 0.7}, "stop_gradient(x)"),
    case("stop_gradient", "times what moves", {"x": 3.0}, "x * stop_gradient(x)"),
    case("stop_gradient", "of NaN", {"x": NAN, "y": 2.0}, "where(isnan(x), y * y, stop_gradient(x))"),
    case("stop_gradient", "of a NaN that is the value", {"x": NAN}, "stop_gradient(x)", hessian=False),
    case("stop_gradient", "beside another input", {"x": 0.5, "y": -1.25}, "sin(stop_gradient(x) * y) * x"),
    case("stop_gradient", "of an overflow", {"x": 710.0, "y": 2.0}, "stop_gradient(exp(x)) * y", hessian=False),
    case("stop_gradient", "at a pole", {"x": 0.0, "y": 1.5}, "stop_gradient(sqrt(x) + 1.0) * y + x", note="rule 1"),
    case("stop_gradient", "inside itself", {"x": 2.0}, "x * stop_gradient(x * stop_gradient(x)) * x"),
    case("stop_gradient", "of a tensor", {"x": [0.5, -1.5, 1.5]}, "log_softmax(x - stop_gradient(max(x))) * stop_gradient(x)"),
    case("stop_gradient", "around rounding", {"x": 2.6}, "x * (x + stop_gradient(round(x) - x))"),
    case("stop_gradient", "of a carry", {"c": 0.5, "x": [0.3, -1.2, 2.5]}, "scan(c, x, function='f')", f=function("c x", next="sin(c) * x + stop_gradient(c * x)")),
    case("stop_gradient", "of all that a scan carries", {"c": 0.5, "x": [0.3, -1.2]}, "scan(c, x, function='f')", f=function("c x", next="stop_gradient(c) + x * x")),
    case("stop_gradient", "in a map", {"x": [0.5, -2.0], "p": 1.5}, "map(x, p, function='f', in_axes=[0, None])", f=function("u p", y="u * p * stop_gradient(u * p)")),
    case("stop_gradient", "of a parameter of a root", {"p": 2.0, "q": 3.0}, "root(1.0, p, q, function='g') * p", bound=FAR, g=function("z p q", r="z * z - stop_gradient(p) * q")),
    case("stop_gradient", "of a slope", {"y": 1.5, "t": [0.0, 0.5, 1.0]}, "odeint(y, t, function='f')", f=function("y t", s="stop_gradient(y) * t - y")),
]

CUBE = function("z p", r="z * z * z - p")
KEPLER = function("z e m", r="z - e * sin(z) - m")
CURVES = function("z:2 p q", r="z * z + flip(z) * q - [1.0, 2.0] * p")
SQUARE_ROOT = function("Z:2,2 P:2,2", r="Z @ Z - P")
ROOTS = [
    case("root", "of a cubic", {"z": 1.0, "p": 2.0}, "root(z, p, function='g')", g=CUBE, bound=FAR),
    case("root", "of Kepler's equation", {"z": 1.0, "e": 0.9, "m": 0.5}, "root(z, e, m, function='g')", g=KEPLER, bound=FAR),
    case("root", "that the guess is", {"z": 2.0, "p": 8.0}, "root(z, p, function='g')", g=CUBE, bound=FAR),
    case("root", "of two equations", {"z": [0.5, 1.5], "p": 1.25, "q": 0.75}, "root(z, p, q, function='g')", g=CURVES, bound=FAR),
    case("root", "of a linear system", {"z": [0.0, 0.0], "A": [[2.0, 0.5], [-1.0, 1.5]], "b": [1.0, -0.25]}, "root(z, A, b, function='g')", g=function("z:2 A:2,2 b:2", r="A @ z - b"), bound=FAR),
    case("root", "that is a matrix", {"Z": [[1.5, 0.25], [0.25, 1.0]], "P": [[2.0, 0.5], [0.25, 1.5]]}, "root(Z, P, function='g')", g=SQUARE_ROOT, bound=FAR),
    case("root", "that is not there", {"z": 0.5, "p": 1.0}, "root(z, p, function='g')", hessian=False, g=function("z p", r="z * z + p"), note="rule 4"),
    case("root", "not found in so few steps", {"z": 1.0, "p": 2.0}, "root(z, p, function='g', max_steps=2)", hessian=False, g=CUBE, note="rule 4"),
    case("root", "not found in no step", {"z": 1.0, "p": 2.0}, "root(z, p, function='g', max_steps=0)", hessian=False, g=CUBE, note="rule 4"),
    case("root", "not found, of an equation whose slopes are known", {"z": 1.0, "p": 2.0, "q": 1.5}, "root(z, p, q, function='g', max_steps=1)", hessian=False, g=function("z p q", r="z * q - p"), note="rule 4"),
    case("root", "of a singular system", {"z": [0.0, 0.0], "A": [[1.0, 2.0], [2.0, 4.0]], "b": [1.0, 0.5]}, "root(z, A, b, function='g')", hessian=False, g=function("z:2 A:2,2 b:2", r="A @ z - b"), note="rule 4"),
    case("root", "not found, and not chosen", {"x": 2.0}, "where(x > 0.0, x * x, root(x, x, function='g'))", g=function("z p", r="z * z + p")),
    case("root", "found roughly", {"z": 1.0, "p": 2.0}, "root(z, p, function='g', tolerance=0.5)", hessian=False, g=CUBE, note="one step from the guess, and differentiated where it is"),
    case("root", "of an equation that ignores a parameter", {"z": 1.0, "p": 2.0, "n": NAN}, "root(z, p, n, function='g')", g=function("z p n", r="z * z - p"), bound=FAR),
    case("root", "of nothing but z", {"z": 1.0, "x": 0.5}, "root(z, function='g') * x", g=function("z", r="cos(z) - z"), bound=FAR),
    case("root", "that is large", {"z": 3e99, "p": 1e200}, "root(z, p, function='g')", g=function("z p", r="z * z - p"), bound=FAR),
    case("root", "that is small", {"z": 2e-50, "p": 1e-100}, "root(z, p, function='g', tolerance=1e-60)", g=function("z p", r="z * z - p"), bound=FAR),
    case("root", "that is 0", {"z": 0.125, "p": 3.0}, "root(z, p, function='g')", g=function("z p", r="tanh(z * p)"), bound=FAR, floor=1.0),
    case("root", "with a kink elsewhere", {"z": -1.0, "p": 2.0}, "root(z, p, function='g')", g=function("z p", r="abs(z) * z + p"), bound=FAR),
    case("root", "of a map", {"z": [1.0, 2.0], "p": [2.0, 5.0], "q": 0.5}, "root(z, p, q, function='g')", g=function("z:2 p:2 q", r="map(z, p, q, function='h', in_axes=[0, 0, None])"), h=function("z p q", r="z * z - p * q"), bound=FAR),
    case("root", "of a scan", {"z": 0.5, "x": [0.5, 0.25]}, "root(z, x, function='g')", g=function("z x:2", r="scan(z, x, function='h') - 1.0"), h=function("c x", next="c + x * sin(c)"), bound=FAR),
    case("root", "of a root", {"z": 1.0, "p": 2.0}, "root(z, p, function='g')", g=function("z p", r="z - root(z, p, function='h') * 0.5"), h=CUBE, bound=FAR),
    case("root", "with repeated parameters", {"p": 2.0}, "root(p, p, p, function='g')", g=function("z a b", r="z * a + z * z * z - b"), bound=FAR),
    case("root", "in a map", {"z": [1.0, -3.0], "p": [0.5, -2.0]}, "map(z, p, function='f')", f=function("z p", y="root(z, p, function='g')"), g=CUBE, bound=FAR),
    case("root", "of no equations", {"z": [], "p": 2.0}, "sum(root(z, p, function='g')) + p * p", shapes={"z": [0]}, g=function("z:0 p", r="z * p")),
]

COSINE = function("z p", r="cos(z * p)")
POINTS = [
    case("fixed_point", "of a cosine", {"z": 1.0, "p": 1.25}, "fixed_point(z, p, function='g')", g=COSINE, bound=FAR),
    case("fixed_point", "that the guess is", {"z": 0.0, "p": 0.5}, "fixed_point(z, p, function='g')", g=function("z p", r="sin(z * p)"), bound=FAR, floor=1.0),
    case("fixed_point", "that repels", {"z": 2.5, "p": 3.5}, "fixed_point(z, p, function='g')", g=function("z p", r="p * z * (1.0 - z)"), bound=FAR, note="Newton finds what iteration does not"),
    case("fixed_point", "of a linear map", {"z": [0.0, 0.0], "A": [[0.5, 0.25], [-0.25, 0.125]], "b": [1.0, -2.0]}, "fixed_point(z, A, b, function='g')", g=function("z:2 A:2,2 b:2", r="A @ z + b"), bound=FAR),
    case("fixed_point", "of a layer", {"z": [0.0, 0.0, 0.0], "W": [[0.5, -0.25, 0.125], [0.25, 0.5, -0.5], [0.0, 0.75, -0.25]], "x": [1.0, -0.5, 0.25]}, "fixed_point(z, W, x, function='g')", g=function("z:3 W:3,3 x:3", r="tanh(W @ z + x)"), bound=FAR),
    case("fixed_point", "that is a matrix", {"Z": [[1.0, 0.0], [0.0, 1.0]], "P": [[0.5, 0.25], [0.125, 0.25]]}, "fixed_point(Z, P, function='g')", g=function("Z:2,2 P:2,2", r="P + Z @ Z * 0.25"), bound=FAR),
    case("fixed_point", "that is not there", {"z": 0.5, "p": 1.5}, "fixed_point(z, p, function='g')", hessian=False, g=function("z p", r="z + z * z + p"), note="rule 4"),
    case("fixed_point", "at infinity", {"z": 0.5, "p": 1.5}, "fixed_point(z, p, function='g')", hessian=False, g=function("z p", r="z + p"), note="rule 4"),
    case("fixed_point", "not found in so few steps", {"z": 1.0, "p": 1.25}, "fixed_point(z, p, function='g', max_steps=1)", hessian=False, g=COSINE, note="rule 4"),
    case("fixed_point", "of what ignores z", {"z": NAN, "p": 1.25}, "fixed_point(0.0, p, function='g') * p", g=function("z p", r="sin(p)"), bound=FAR),
    case("fixed_point", "of what ignores its parameter", {"z": 1.0, "p": NAN}, "fixed_point(z, p, function='g') * 2.0", g=function("z p", r="cos(z)"), bound=FAR),
    case("fixed_point", "that is large", {"z": 1e100, "p": 1e100}, "fixed_point(z, p, function='g')", g=function("z p", r="0.5 * z + p"), bound=FAR),
    case("fixed_point", "that is small", {"z": 0.0, "p": 1e-100}, "fixed_point(z, p, function='g')", g=function("z p", r="0.5 * z + p + z * z"), bound=FAR),
    case("fixed_point", "of a function that calls", {"z": 0.25, "p": 0.75}, "fixed_point(z, p, function='g')", g=function("z p", r="call(call(z, p, function='h'), p, function='h')"), h=function("z p", r="exp(-(z * p))"), bound=FAR),
    case("fixed_point", "of a scan", {"z": 0.5, "x": [0.5, 0.25]}, "fixed_point(z, x, function='g')", g=function("z x:2", r="scan(z, x, function='h') * 0.5"), h=function("c x", next="cos(c) + x * c"), bound=FAR),
    case("fixed_point", "in a map, one not found", {"z": [1.0, 1.0], "p": [1.25, -1.25]}, "map(z, p, function='f')[0]", f=function("z p", y="fixed_point(z, p, function='g', max_steps=20)"), g=function("z p", r="where(p > 0.0, cos(z * p), z + 1.0 + z * z)"), bound=FAR),
]

TIMES = [0.0, 0.5, 0.75, 2.0]
DECAY = function("y t k", s="-(k * y)")
TURN = function("y:2 t w", s="flip(y) * [1.0, -1.0] * w")
LOGISTIC = function("y t r", s="r * y * (1.0 - y)")
VAN_DER_POL = function("y:2 t m", s="flip(y) * [1.0, 0.0] + [0.0, 1.0] * (m * (1.0 - y[0] * y[0]) * y[1] - y[0])")


def solved(label, at, method, /, more="", parameters="", **kept):
    keywords = f"function='f', method='{method}'" + (f", {more}" if more else "")
    return case("odeint", f"{label}, {method}", at, f"odeint(y, t{parameters}, {keywords})", **kept)


EQUATIONS = [
    case("odeint", "decay, by default", {"y": 1.5, "t": TIMES, "k": 0.75}, "odeint(y, t, k, function='f')", f=DECAY),
    *[entry for method in ("rk4", "dopri5") for entry in (
        solved("decay", {"y": 1.5, "t": TIMES, "k": 0.75}, method, parameters=", k", f=DECAY),
        solved("a circle in three steps", {"y": [1.0, 0.0], "t": [0.0, 1.0, 3.0], "w": 1.25}, method, more="steps=3", parameters=", w", f=TURN),
        solved("logistic growth in two steps", {"y": 0.125, "t": [-1.0, 0.0, 2.0], "r": 1.5}, method, more="steps=2", parameters=", r", f=LOGISTIC),
        solved("a slope that moves with time", {"y": 0.5, "t": [0.25, 1.0, 1.5]}, method, more="steps=2", f=function("y t", s="y * cos(t) + t * t")),
        solved("van der Pol", {"y": [2.0, 0.0], "t": [0.0, 0.5, 0.625], "m": 1.5}, method, more="steps=4", parameters=", m", bound=FAR, f=VAN_DER_POL),
        solved("a kink", {"y": 0.0, "t": [0.0, 1.0], "p": 0.5}, method, parameters=", p", f=function("y t p", s="abs(y) + p * t")),
    )],
    solved("one time", {"y": 1.5, "t": [3.0], "k": 0.75}, "dopri5", parameters=", k", f=DECAY),
    solved("no time", {"y": 1.5, "t": [], "k": 0.75}, "rk4", parameters=", k", hessian=False, shapes={"t": [0]}, f=DECAY),
    solved("the same time again", {"y": 1.5, "t": [1.0, 1.0, 2.0], "k": 0.75}, "rk4", parameters=", k", f=DECAY),
    solved("back in time", {"y": 1.5, "t": [2.0, 0.5, -1.0], "k": 0.75}, "dopri5", more="steps=2", parameters=", k", f=DECAY),
    solved("a slope of time alone", {"y": NAN, "t": [0.0, 1.0, 4.0]}, "rk4", hessian=False, f=function("y t", s="t * t * t"), note="the value is NaN, its derivatives are not"),
    solved("a slope of nothing", {"y": 0.5, "t": [0.0, 1.0], "p": 2.0}, "dopri5", parameters=", p", f=function("y t p", s="y * 0.0")),
    solved("a large start", {"y": 1e200, "t": [0.0, 0.5, 1.0], "k": 1.5}, "rk4", parameters=", k", f=DECAY),
    solved("a small start", {"y": 1e-200, "t": [0.0, 0.5, 1.0], "k": 1.5}, "dopri5", parameters=", k", f=DECAY),
    solved("far steps that grow", {"y": 1.0, "t": [0.0, 50.0], "k": 20.0}, "rk4", parameters=", k", f=DECAY),
    solved("a matrix", {"y": [[1.0, 0.5], [-0.25, 2.0]], "t": [0.0, 1.0], "A": [[0.0, 1.0], [-1.0, -0.25]]}, "rk4", parameters=", A", f=function("Y:2,2 t A:2,2", s="A @ Y")),
    solved("an ignored parameter", {"y": 0.5, "t": [0.0, 1.0], "k": 0.5, "n": NAN}, "dopri5", parameters=", k, n", f=function("y t k n", s="k * y")),
    case("odeint", "in a map", {"y": [0.5, -1.0], "t": [0.0, 0.5, 1.5], "k": 0.5}, "map(y, t, k, function='g', in_axes=[0, None, None])", f=function("y t k", s="sin(y) * k + t"), g=function("y t:3 k", out="odeint(y, t, k, function='f', steps=2)")),
    case("odeint", "with a slope that loops", {"y": 0.5, "t": [0.0, 0.5], "x": [0.5, -0.25]}, "odeint(y, t, x, function='f')", f=function("y t x:2", s="scan(y, x, function='g') - t"), g=function("c x", next="sin(c) + x")),
]

SYMMETRIC = [[2.0, 0.5, -0.25], [0.5, 1.0, 0.75], [-0.25, 0.75, -1.5]]
GENERAL = [[2.0, -0.5], [0.25, 1.5]]
TALL = [[1.0, 2.0], [0.5, -1.0], [2.0, 0.25]]
ITEMS = [
    case("item", "of a call, by place", {"x": 0.5, "w": 1.5}, {"a": "item(call(x, w, function='pair'), index=0)", "b": "item(call(x, w, function='pair'), index=1)"}, pair=PAIR),
    case("item", "of a call, by name", {"x": 0.5, "w": 1.5}, "item(call(x, w, function='pair'), index='d') * x", pair=PAIR),
    case("item", "the same one again", {"x": 0.5, "w": 1.5}, "item(call(x, w, function='pair'), index='s') * item(call(x, w, function='pair'), index=0)", pair=PAIR),
    case("item", "beside one that is NaN", {"x": -0.5}, "item(call(x, function='f'), index=1)", f=function("u", a="log(u)", b="u * u")),
    case("item", "of a map", {"x": [0.5, -2.0], "w": [1.5, 0.25]}, "item(map(x, w, function='pair'), index='d')", pair=PAIR),
    case("item", "of a scan, by name", {"c": 0.5, "x": [0.3, -1.2]}, "item(scan(c, x, function='step'), index='seen')", step=STEP),
    case("item", "of a while_loop", {"x": 0.8}, "item(while_loop(x, 0.0, condition='go', body='next', carry=2, max_steps=3), index='n') * x", go=function("x n", go="n < 4.0"), next=function("x n", y="sin(x)", n="n + 1.0")),
    case("item", "values of eigh", {"A": SYMMETRIC}, "item(eigh(A), index='values')", differenced=True),
    case("item", "vectors of eigh", {"A": SYMMETRIC}, "item(eigh(A), index=1)", bound=FAR, differenced=True),
    case("item", "s of svd", {"A": TALL}, "item(svd(A), index='s')", differenced=True),
    case("item", "u and vh of svd", {"A": GENERAL}, {"u": "item(svd(A), index=0)", "vh": "item(svd(A), index='vh')"}, bound=FAR, differenced=True),
    case("item", "r of qr", {"A": TALL}, "item(qr(A), index='r')", differenced=True),
    case("item", "q of qr", {"A": GENERAL}, "item(qr(A), index=0)", differenced=True),
    case("item", "logabsdet of slogdet", {"A": GENERAL}, "item(slogdet(A), index='logabsdet')", differenced=True),
    case("item", "sign of slogdet", {"A": GENERAL}, "item(slogdet(A), index=0) * A[0, 0]", differenced=True),
    case("item", "of eigh in a scan", {"c": [1.0, 0.5], "A": [[2.0, 0.5], [0.5, -1.0]]}, "scan(c, A, function='f', length=2)", bound=FAR, differenced=True, f=function("c:2 A:2,2", next="item(eigh(A + diag(c)), index='values')")),
]

CASES = CALLS + MAPS + SCANS + LOOPS + STOPS + ROOTS + POINTS + EQUATIONS + ITEMS
