"""HTTP for trials that send what no client library would: bytes out, an answer in. Standard library only."""

import asyncio
import re
import time
import zlib


class Answer:
    """What was answered; status 0 where the connection ended without an answer."""

    def __init__(self, status=0, headers=None, body=b""):
        self.status, self.headers, self.body = status, headers or {}, body

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def message(method, path, body=None, headers=()):
    """A request's bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: trial", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


async def receive(reader):
    """One answer off a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, _, rest = head.partition("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in rest.split("\r\n") if field)}
    status = int(re.fullmatch(r"HTTP/1\.[01] (\d{3}) ?.*", line)[1])
    body = b""
    if status in (204, 304):
        pass
    elif headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = await reader.read()
    if headers.get("content-encoding") == "gzip":
        body = zlib.decompress(body, 31)
    return Answer(status, headers, body)


NO_ANSWER = (OSError, asyncio.IncompleteReadError)


class Wire:
    """A connection, made when it is needed and kept while both sides keep it."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def open(self):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)

    async def ask(self, bytes):
        """The answer to those bytes, and the seconds that it took."""
        begun = time.perf_counter()
        try:
            await self.open()
            self.writer.write(bytes)
            answer = await receive(self.reader)
        except NO_ANSWER:
            answer = Answer()
        took = time.perf_counter() - begun
        if answer.status == 0 or answer.headers.get("connection") == "close":
            self.close()
        return answer, took

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None
