"""The way to serve gradients from Python: FastAPI on uvicorn (uvloop, httptools), one process, the function compiled in by JAX.

Takes nablad's requests and answers as nablad does, but for the formula, which it does not read. `POST /gradient` is typed; `/points` has
its text read and written by orjson and looks at nothing else, `/typed-points` is what FastAPI does with such a body by itself.
"""

import socket

import numpy as np
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from jax_black_scholes import NAMES, many, one
from pydantic import BaseModel


class Point(BaseModel):
    S: float
    K: float
    r: float
    sigma: float
    T: float


class AtPoint(BaseModel):
    formula: str
    at: Point


class Columns(BaseModel):
    S: list[float]
    K: list[float]
    r: list[float]
    sigma: list[float]
    T: list[float]


class AtPoints(BaseModel):
    formula: str
    points: Columns


app = FastAPI()


@app.post("/gradient")
async def gradient(request: AtPoint):
    at = request.at
    value, partials = one(np.array([at.S, at.K, at.r, at.sigma, at.T]))
    return {"value": {"f": float(value)}, "gradient": dict(zip(NAMES, np.asarray(partials).tolist()))}


@app.post("/points")
async def points(request: Request):
    given = orjson.loads(await request.body())["points"]
    value, partials = map(np.asarray, many(np.array([given[name] for name in NAMES])))
    answer = {"value": {"f": value}, "gradient": dict(zip(NAMES, np.ascontiguousarray(partials)))}
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


@app.post("/typed-points")
def typed_points(request: AtPoints):
    given = request.points
    value, partials = map(np.asarray, many(np.array([given.S, given.K, given.r, given.sigma, given.T])))
    return {"value": {"f": value.tolist()}, "gradient": dict(zip(NAMES, partials.tolist()))}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"fastapi listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
