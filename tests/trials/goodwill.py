"""Requests of callers who mean well, with what must be answered: every endpoint, small and medium, plain and compressed, and the life of
a registered function. Points are small whole numbers, so that what is expected is exact."""

import gzip
import json
import math

from wire import message


class Wrong(Exception):
    """An answer that is not what it must be."""


class TurnedAway(Exception):
    """A 503, as a server that is too busy may answer."""


JSON = "Content-Type: application/json"


def near(one, other):
    return math.isclose(one, other, rel_tol=1e-13, abs_tol=1e-13)


class Person:
    """A caller with a connection who looks at every answer."""

    def __init__(self, number, wire, random, seen):
        self.number, self.wire, self.random, self.seen, self.count = number, wire, random, seen, 0
        self.bodies = {}

    async def ask(self, kind, method, path, body=None, expect=200, headers=(), plain=None):
        """The answer's JSON; of other than `expect` it is wrong. A 503 must say when to come again."""
        text = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = [*headers, JSON] if text is not None else [*headers]
        if self.random.random() < 0.1:
            headers.append("Connection: close")
        answer, took = await self.wire.ask(message(method, path, text, headers))
        if answer.status == 503:
            if "retry-after" not in answer.headers:
                raise Wrong(f"{kind}: 503 without Retry-After")
            raise TurnedAway
        if answer.status != expect:
            raise Wrong(f"{kind}: {method} {path} {(text or b'')[:300]!r}: {answer}")
        self.seen.took(kind, took)
        if plain:
            return answer
        return json.loads(answer.body) if answer.body else answer

    async def evaluates(self, kind, path, body, expected):
        """An evaluation whose answer has these fields."""
        answer = await self.ask(kind, "POST", path, body)
        got = {field: answer.get(field) for field in expected}
        if got != expected:
            raise Wrong(f"{kind}: {json.dumps(body)[:300]}: {got}, not {expected}")

    async def small(self):
        """One evaluation of a point, of any kind."""
        x, y = self.random.randint(-9, 9), self.random.randint(1, 9)
        at = {"x": x, "y": y}
        f = {"formula": "x^2 * y + 3 * y", "at": at}
        value, slopes = {"f": x * x * y + 3.0 * y}, {"x": 2.0 * x * y, "y": x * x + 3.0}
        g = {"graph": {"inputs": ["x", "y"], "nodes": [{"name": "s", "op": "multiply", "args": ["x", "y"]}], "outputs": [
            {"name": "g", "value": {"op": "square", "args": ["s"]}}]}, "at": at}
        table = [
            ("value", f, {"value": value}),
            ("gradient", f, {"value": value, "gradient": slopes}),
            ("gradient", g, {"value": {"g": (x * y) ** 2.0}, "gradient": {"x": 2.0 * x * y * y, "y": 2.0 * y * x * x}}),
            ("jacobian", {"formula": "u = x * y; v = x + y^2", "outputs": ["u", "v"], "form": "matrix", "at": at},
             {"value": {"u": float(x * y), "v": float(x + y * y)}, "jacobian": [[y, x], [1, 2 * y]]}),
            ("jvp", {**f, "tangent": {"x": 1, "y": 2}}, {"tangent": {"f": slopes["x"] + 2 * slopes["y"]}}),
            ("vjp", {**f, "cotangent": {"f": 2}}, {"cotangent": {"x": 2 * slopes["x"], "y": 2 * slopes["y"]}}),
            ("hessian", {**f, "form": "matrix"}, {"gradient": slopes, "hessian": [[2 * y, 2 * x], [2 * x, 0]]}),
            ("hvp", {**f, "vector": {"x": 1, "y": 1}}, {"gradient": slopes, "product": {"x": 2.0 * y + 2 * x, "y": 2.0 * x}}),
            ("taylor", {"formula": "x^3", "at": {"x": x}, "direction": {"x": 1}, "order": 3}, {"coefficients": {"f": [x**3, 3 * x * x, 3 * x, 1]}}),
            ("chain", {"stages": [{"formula": "x^2"}, {"formula": "3 * z"}], "at": {"x": x}}, {"jacobian": [[6 * x]]}),
            ("value", {"formula": "sum(v^2)", "at": {"v": list(range(y))}}, {"value": {"f": sum(i * i for i in range(y))}}),
            ("gradient", {"formula": "x * y", "points": [at, {"x": 1, "y": 2}]}, {"results": [
                {"value": {"f": x * y}, "gradient": {"x": y, "y": x}}, {"value": {"f": 2}, "gradient": {"x": 2, "y": 1}}]}),
        ]
        endpoint, body, expected = self.random.choice(table)
        await self.evaluates(endpoint, "/" + endpoint, body, expected)

    async def transcendental(self):
        x = self.random.uniform(-3, 3)
        answer = await self.ask("gradient", "POST", "/gradient", {"formula": "sin(x) * exp(x)", "at": {"x": x}})
        if not (near(answer["value"]["f"], math.sin(x) * math.exp(x)) and near(answer["gradient"]["x"], (math.sin(x) + math.cos(x)) * math.exp(x))):
            raise Wrong(f"sin(x) exp(x) at {x}: {answer}")

    async def judged(self):
        formula, verdict = self.random.choice([("sin(x) * x", "differentiable"), ("abs(x)", "kink")])
        answer = await self.ask("check", "POST", "/check", {"formula": formula, "at": {"x": 0 if verdict == "kink" else 2}})
        if answer["verdict"] != verdict:
            raise Wrong(f"check of {formula}: {answer}")

    async def symbolic(self):
        """A derivative as a function, sent back."""
        x, n = self.random.randint(1, 9), self.random.randint(2, 5)
        answer = await self.ask("derivative", "POST", "/derivative", {"formula": f"x^{n}", "of": "gradient"})
        await self.evaluates("value", "/value", {"graph": answer["graph"], "at": {"x": x}}, {"value": {"df_dx": n * x ** (n - 1)}})
        answer = await self.ask("graph", "POST", "/graph", {"formula": f"x^{n}"})
        if [port["name"] for port in answer["inputs"]] != ["x"]:
            raise Wrong(f"graph: {answer}")

    async def new(self):
        """A function that nobody asked for before, so that caches must let others go."""
        self.count += 1
        constant = self.number * 10_000_000 + self.count
        terms = " + ".join(f"{i} * x^{i % 5}" for i in range(self.random.randint(2, 60)))
        await self.evaluates("new function", "/value", {"formula": f"{terms} + {constant}", "at": {"x": 0}},
                             {"value": {"f": constant + sum(range(0, terms.count("*"), 5))}})

    async def medium(self):
        """Thousands of points, plain or compressed, one way or both. The first answer is computed with, the same bytes are expected then."""
        size, packed = self.random.choice([500, 2000, 5000]), self.random.random() < 0.5
        if (size, packed) not in self.bodies:
            xs, ys = [i % 1000 - 500 for i in range(size)], [i % 7 + 1 for i in range(size)]
            text = json.dumps({"formula": "x^2 * y + 3 * y", "points": {"x": xs, "y": ys}}).encode()
            value = {"f": [x * x * y + 3 * y for x, y in zip(xs, ys)]}
            slopes = {"x": [2 * x * y for x, y in zip(xs, ys)], "y": [x * x + 3 for x in xs]}
            self.bodies[size, packed] = [gzip.compress(text) if packed else text, {"value": value, "gradient": slopes}, None]
        body, expected, known = self.bodies[size, packed]
        headers = (["Content-Encoding: gzip"] if packed else []) + (["Accept-Encoding: gzip"] if self.random.random() < 0.5 else [])
        answer = await self.ask("medium", "POST", "/gradient", body, headers=headers, plain=True)
        if known is None and json.loads(answer.body) == expected:
            self.bodies[size, packed][2] = known = answer.body
        if answer.body != known:
            raise Wrong(f"medium, {size} points: {answer}")

    async def page(self):
        path, word = self.random.choice([
            ("/livez", b"ok"), ("/info", b"limits"), ("/ops", b"matmul"), ("/openapi.json", b"openapi"), ("/metrics", b"nablad_workers"),
            ("/problems/overloaded", b"overloaded"), ("/docs", b"html")])
        headers = ["Accept-Encoding: gzip"] if self.random.random() < 0.5 else []
        answer = await self.ask("page", "GET", path, headers=headers, plain=True)
        if word not in answer.body:
            raise Wrong(f"page: {path}: {answer}")

    async def registered(self):
        """The life of a function: given a name, listed, shown, evaluated, replaced, deleted, gone."""
        self.count += 1
        constant, name = self.number * 10_000_000 + self.count, f"soak_{self.number}_{self.count}"
        path = f"/functions/{name}"
        try:
            answer = await self.ask("register", "POST", "/functions", {"formula": f"x^2 + {constant}", "name": name}, 201)
            id = answer["id"]
            await self.evaluates("by name", f"{path}/gradient", {"at": {"x": 3}}, {"value": {"f": 9 + constant}, "gradient": {"x": 6}})
            await self.evaluates("by id", "/value", {"function": id, "at": {"x": 2}}, {"value": {"f": 4 + constant}})
            page = await self.ask("list", "GET", "/functions?limit=1000")
            if name not in [function["name"] for function in page["functions"]]:
                raise Wrong(f"{name} is not listed")
            shown = await self.ask("show", "GET", path, plain=True)
            tag = shown.headers["etag"]
            await self.ask("show", "GET", path, expect=304, headers=[f"If-None-Match: {tag}"], plain=True)
            await self.ask("replace", "PUT", path, {"formula": f"x^3 - {constant}"}, 412, headers=['If-Match: "1-0"'])
            await self.ask("replace", "PUT", path, {"formula": f"x^3 - {constant}"}, headers=[f"If-Match: {tag}"])
            await self.evaluates("by name", f"{path}/value", {"at": {"x": 3}}, {"value": {"f": 27 - constant}})
            await self.ask("delete", "DELETE", f"/functions/{id}", expect=204)
            await self.ask("delete", "DELETE", path, expect=204)
            await self.ask("show", "GET", path, expect=404)
        except TurnedAway:
            # what is left of it goes, or the store would grow
            await self.tidy(path, f"x^2 + {constant}")
            raise

    async def tidy(self, path, formula):
        for method, target, body in [("DELETE", path, None), ("POST", "/functions", {"formula": formula})]:
            for _ in range(100):
                text = None if body is None else json.dumps(body).encode()
                answer, _ = await self.wire.ask(message(method, target, text))
                if answer.status not in (0, 503):
                    break
        if answer.status in (200, 201):
            await self.wire.ask(message("DELETE", f"/functions/{json.loads(answer.body)['id']}"))

    async def turn(self):
        """A request, or a few that belong together."""
        kind = self.random.choices(
            [self.small, self.transcendental, self.judged, self.symbolic, self.new, self.medium, self.page, self.registered],
            [50, 10, 5, 4, 8, 10, 8, 5])[0]
        try:
            await kind()
        except TurnedAway:
            self.seen.turned_away += 1
        except (KeyError, TypeError, ValueError) as error:
            self.seen.wrong.append(f"{kind.__name__}: {error!r}")
        except Wrong as error:
            self.seen.wrong.append(str(error))
