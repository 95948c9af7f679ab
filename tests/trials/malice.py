"""Requests of callers who mean harm, or do not know better, with the statuses that they may be answered with.

0 stands for a connection that was closed without an answer. 503 may always be answered to what would cost work.
"""

import asyncio
import gzip
import json
import socket

from goodwill import JSON, Wrong
from wire import NO_ANSWER, message, receive

# Settings under which harm costs the one who tries it little time; the defaults only take longer.
SETTINGS = {
    "http.first_request_seconds": 3, "http.header_seconds": 2, "http.body_gap_seconds": 2, "http.body_seconds": 5, "http.answer_gap_seconds": 2,
    "http.idle_seconds": 10,
    "http.body_bytes": 4 << 20, "limits.nodes": 20_000, "limits.points": 50_000, "limits.deadline_seconds": 5,
    "service.cache_bytes": 16 << 20, "service.memory_bytes": 256 << 20,
}
# The longest that any of these clocks may let somebody hold a connection, with time for a machine that is busy.
PATIENCE = 15


def post(path, body, *headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return message("POST", path, body, [JSON, *headers])


def graph(nodes, outputs, inputs=("x",), **more):
    return {"graph": {"inputs": list(inputs), "nodes": nodes, "outputs": outputs, **more}, "at": {name: 1 for name in inputs}}


def chain(count):
    """A graph of so many nodes, one behind the other."""
    nodes = [{"name": "n0", "op": "sin", "args": ["x"]}]
    nodes += [{"name": f"n{i}", "op": "sin", "args": [f"n{i - 1}"]} for i in range(1, count)]
    return graph(nodes, [f"n{count - 1}"])


def nested(depth):
    """Inline nodes inside one another, as text: Python's own printer would not go that deep."""
    return b'{"graph": {"inputs": ["x"], "nodes": [], "outputs": [{"name": "y", "value": ' + b'{"op": "sin", "args": [' * depth + b'"x"' \
        + b"]}" * depth + b'}]}, "at": {"x": 1}}'


def doubled(times):
    """Calls that call twice, and so on: as many nodes as 2 to that power."""
    functions = {"f0": {"inputs": ["u"], "nodes": [], "outputs": [{"name": "y", "value": {"op": "sin", "args": ["u"]}}]}}
    for i in range(1, times):
        twice = {"op": "call", "function": f"f{i - 1}", "args": [{"op": "call", "function": f"f{i - 1}", "args": ["u"]}]}
        functions[f"f{i}"] = {"inputs": ["u"], "nodes": [], "outputs": [{"name": "y", "value": twice}]}
    return graph([], [{"name": "y", "value": {"op": "call", "function": f"f{times - 1}", "args": ["x"]}}], functions=functions)


BOMB = gzip.compress(b" " * (64 << 20), 6)
XY = {"formula": "x * y", "at": {"x": 1, "y": 2}}
LOOP = {"graph": {"inputs": ["x"], "nodes": [{"name": "s", "op": "scan", "args": ["x"], "function": "step", "length": 2_000_000}], "outputs": ["s"],
                  "functions": {"step": {"inputs": ["c"], "nodes": [], "outputs": [{"name": "d", "value": {"op": "sin", "args": ["c"]}}]}}},
        "at": {"x": 1}}
BUSY = {"formula": "v = broadcast_to(x, shape=[200000]); sum(sin(v * x) * exp(-v * x) + tanh(v + x))", "at": {"x": 0.7}}
DENSE = {"formula": "sin(v) * sum(v)", "at": {"v": [0.1] * 1000}}
LARGE = post("/gradient", {"formula": "x * y", "points": {"x": [0.123456789] * 40_000, "y": [9.87654321] * 40_000}})

# What is sent, and what may be answered.
TABLE = {
    "no JSON": [(post("/value", text), {400}) for text in (
        b"{", b"", b"nonsense", b'{"formula": "x", "at": {"x": 1}', b"\xff\xfe", b'{"formula": "\xc3\x28"}', b'{"at": {"x": NaN}, "formula": "x"}',
        b'{"formula": "x", "formula": "y"}', b"\xef\xbb\xbf{}x")],
    "deep nesting": [(post("/value", b"[" * 100_000), {400}), (post("/value", nested(5000)), {400}),
                     (post("/value", b'{"at": ' + b'{"a":' * 50_000), {400}), (post("/value", {"formula": "(" * 5000 + "x" + ")" * 5000}), {422}),
                     (post("/functions", nested(500).replace(b', "at": {"x": 1}', b"")), {400})],
    "too many": [(post("/value", chain(25_000)), {422}), (post("/value", doubled(40)), {422}), (post("/gradient", doubled(30)), {422}),
                 (post("/value", {"formula": "x", "points": {"x": [1] * 60_000}}), {422}),
                 (post("/jacobian", {**DENSE, "formula": "outer(v, v)"}), {422}),
                 (post("/value", {"formula": "sum(broadcast_to(x, shape=[100000, 100000]))", "at": {"x": 1}}), {422}),
                 (post("/value", {"formula": "x", "at": {"x": [[[[[[[[[[1]]]]]]]]]]}}), {422}),
                 (post("/taylor", {"formula": "x", "at": {"x": 1}, "direction": {"x": 1}, "order": 1_000_000}), {422}),
                 (post("/value", b'{"formula": "x", "at": {"x": ' + b"1" * 100_000 + b"}}"), {400, 422})],
    "bombs": [(post("/value", BOMB, "Content-Encoding: gzip"), {413, 503}), (post("/value", BOMB[:-9], "Content-Encoding: gzip"), {413, 503}),
              (post("/value", gzip.compress(b"{}") + b"trash", "Content-Encoding: gzip"), {400, 422}),
              (post("/value", b"no gzip at all", "Content-Encoding: gzip"), {400}), (post("/value", b"x", "Content-Encoding: gzip, gzip, gzip"), {400, 415}),
              (post("/value", b" " * (5 << 20)), {413, 503, 0})],
    "wrong types": [(post("/value", body), {422}) for body in (
        {"formula": "x", "at": {"x": "one"}}, {"formula": "x", "at": {"x": None}}, b'{"formula": "x", "at": {"x": 1e999}}', {"formula": "x", "at": {"x": True}}, {"formula": 5}, [], {},
        {"graph": []}, {"graph": {"inputs": 3}}, {"formula": "x", "at": {"x": [[1], [1, 2]]}}, {"formula": "x", "at": []}, {"formula": "x", "points": 7},
        {"formula": "x", "at": {}}, {"formula": "x", "at": {"x": 1, "z": 1}}, {"formula": "nothing(x)", "at": {"x": 1}}, {"formula": "x +", "at": {"x": 1}},
        {"formula": "x", "at": {"x": 1}, "colour": "red"}, {**XY, "wrt": ["q"]}, graph([{"name": "a", "op": "sin", "args": ["a"]}], ["a"]))]
    + [(post("/gradient", {"formula": "[x, x]", "at": {"x": 1}}), {422}), (post("/value", {"function": "nobody_made_this", "at": {"x": 1}}), {404})],
    "no such route": [(message("GET", "/nowhere"), {404}), (message("GET", "/functions/" + "a" * 9000), {404}), (message("GET", "/%00%ff/../../etc"), {400, 404}),
                      (message("DELETE", "/value"), {405}), (message("PUT", "/", b"{}"), {404, 405}), (post("/functions/none/gradient", {"at": {}}), {404}),
                      (message("BREW", "/value"), {405}), (message("GET", "/" + "x" * 20_000), {414}), (message("OPTIONS", "*"), {400, 404, 405})],
    "bad heads": [(bytes, {400, 408, 411, 413, 414, 415, 431, 0}) for bytes in (
        b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 300, b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET /livez HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Request-Id: \x01\r\n\r\n",
        b"POST /value HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", b"POST /value HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        b"POST /value HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"POST /value HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /value HTTP/1.1\r\nHost: a\r\nContent-Length: 400000000\r\n\r\n", b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 90_000 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(300)) + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 500, b"POST /value HTTP/1.1\r\nHost: a\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /value HTTP/1.1\r\nHost: a\r\nContent-Encoding: rot13\r\nContent-Length: 2\r\n\r\n{}")],
    "odd headers": [(post("/value", XY, header), {200, 503}) for header in (
        "Traceparent: 00-zz", "X-Request-Id: " + "i" * 500, "Accept-Encoding: gzip;q=9, ,,;", "RateLimit: nonsense")]
    + [(post("/value", XY, "Request-Timeout: -1"), {400, 422}), (post("/value", XY, "Accept: image/png"), {406}),
       (message("GET", "/functions?limit=x"), {400, 422}), (message("GET", "/functions?cursor=00"), {400, 422})],
    "a deadline of 1 ms": [(post(path, body, "Request-Timeout: 0.001"), {200, 503, 504}) for path, body in (
        ("/value", XY), ("/gradient", BUSY), ("/value", LOOP), ("/jacobian", DENSE))],
    "expensive": [(post("/gradient", BUSY), {200, 503, 504}), (post("/jacobian", {**DENSE, "formula": "sin(v) * v", "at": {"v": [0.1] * 300}}), {200, 503, 504}),
                  (post("/value", LOOP), {200, 422, 503, 504}), (post("/gradient", LOOP), {200, 422, 503, 504}),
                  (post("/hessian", {"formula": "sum(v)^3", "at": {"v": [0.5] * 150}}), {200, 503, 504}),
                  (post("/value", {"formula": "det(A)", "at": {"A": [[1.0 / (i + j + 1) for i in range(60)] for j in range(60)]}}), {200, 503, 504}),
                  (post("/value", chain(15_000)), {200, 503, 504})],
    "bad registrations": [(post("/functions", {"formula": "x", "name": "0"}), {422}), (post("/functions", {"formula": "x", "name": "a" * 500}), {422}),
                          (post("/functions", {"formula": "x", "description": "d" * 5000}), {422}), (post("/functions", {}), {422}),
                          (message("DELETE", "/functions/nobody_made_this"), {404}),
                          (message("PUT", "/functions/nobody_made_this", b'{"formula": "x"}', ['If-Match: "1-1"']), {412}),
                          (message("DELETE", "/functions/nobody_made_this", None, ["If-Match: nonsense"]), {400, 404, 412, 422})],
}


class Villain:
    """One who sends such things, each over a connection of its own."""

    def __init__(self, port, random, seen):
        self.port, self.random, self.seen = port, random, seen
        self.slow = {"slow head": self.slow_head, "slow body": self.slow_body, "slow reader": self.slow_reader, "silent": self.silent}
        self.quick = {"hangs up": self.hangs_up, "half a request": self.half}

    async def turn(self, patient):
        """One of them; of those that take their time only where one is patient."""
        kind = self.random.choice([*TABLE, *self.quick, *(self.slow if patient else ())])
        self.seen.hostile[kind] = self.seen.hostile.get(kind, 0) + 1
        reader = writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
            if kind in TABLE:
                await self.tried(kind, reader, writer)
            else:
                await {**self.quick, **self.slow}[kind](reader, writer)
        except Wrong as error:
            self.seen.wrong.append(f"{kind}: {error}")
        except (asyncio.TimeoutError, TimeoutError):
            self.seen.wrong.append(f"{kind}: nothing for {PATIENCE} s")
        except NO_ANSWER:
            # whoever does this is cut off
            pass
        finally:
            if writer is not None:
                writer.close()

    async def tried(self, kind, reader, writer):
        sent, allowed = self.random.choice(TABLE[kind])
        status = 0
        try:
            writer.write(sent)
            answer = await asyncio.wait_for(receive(reader), PATIENCE)
            status = answer.status
        except NO_ANSWER:
            answer = None
        self.seen.statuses[status] = self.seen.statuses.get(status, 0) + 1
        # whoever sends much may hear that there is no room for it now
        if status not in allowed and not (status == 503 and len(sent) > 2000):
            raise Wrong(f"{sent[:200]!r}: {answer}, not of {sorted(allowed)}")
        if status == 503 and "retry-after" not in answer.headers:
            raise Wrong("503 without Retry-After")

    async def ended(self, reader):
        """What comes until the server ends the connection, which it does in time."""
        return await asyncio.wait_for(reader.read(), PATIENCE)

    async def drip(self, writer, bytes):
        for byte in bytes:
            writer.write(byte.to_bytes(1, "big"))
            await writer.drain()
            await asyncio.sleep(0.5)

    async def slow_head(self, reader, writer):
        dripping = asyncio.ensure_future(self.drip(writer, b"GET /livez HTTP/1.1\r\nX: " + b"y" * 100))
        try:
            await self.ended(reader)
        finally:
            dripping.cancel()

    async def slow_body(self, reader, writer):
        writer.write(b"POST /value HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n")
        dripping = asyncio.ensure_future(self.drip(writer, b" " * self.random.choice([1, 100])))
        try:
            await self.ended(reader)
        finally:
            dripping.cancel()

    async def slow_reader(self, reader, writer):
        """Asks for tens of megabytes and takes none; the connection is cut, so that later there is less to be read than was asked for."""
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        writer.transport.pause_reading()
        for _ in range(16):
            writer.write(LARGE)
        await asyncio.sleep(8)
        writer.transport.resume_reading()
        taken = await self.ended(reader)
        if taken.count(b"HTTP/1.1 200") == 16:
            raise Wrong(f"was answered to the end, {len(taken)} bytes")

    async def silent(self, reader, writer):
        await self.ended(reader)

    async def hangs_up(self, reader, writer):
        writer.write(self.random.choice([post("/gradient", BUSY), post("/value", LOOP), LARGE, post("/jacobian", DENSE)]))
        await writer.drain()
        await asyncio.sleep(self.random.random() * 0.05)
        writer.transport.abort()

    async def half(self, reader, writer):
        sent = self.random.choice([LARGE, post("/value", XY)])
        writer.write(sent[:self.random.randrange(1, len(sent))])
        await writer.drain()
        writer.transport.abort()
