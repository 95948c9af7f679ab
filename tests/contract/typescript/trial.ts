// Calls a running server through the types that openapi-typescript writes from its document.
//
// Compiled with --strict, so that a request or an answer that the document describes wrongly does not get as far as running.

import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];
type JsonBody = { requestBody: { content: { "application/json": unknown } } };
type Endpoint = { [P in keyof paths]: paths[P] extends { post: JsonBody } ? P : never }[keyof paths];
type Request<P extends Endpoint> = paths[P]["post"]["requestBody"]["content"]["application/json"];
type Answer<P extends Endpoint> = paths[P]["post"]["responses"][200]["content"]["application/json"];

declare const process: { argv: string[] };
const url = process.argv[2];

async function post(path: string, body: unknown): Promise<[number, unknown]> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return [response.status, await response.json()];
}

async function call<P extends Endpoint>(path: P, request: Request<P>): Promise<Answer<P>> {
  const [status, body] = await post(path, request);
  if (status !== 200) {
    throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
  }
  return body as Answer<P>;
}

function expect(what: string, actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    throw new Error(`${what}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
  }
}

const parabola = await call("/gradient", { formula: "x^2 + 3*y", at: { x: 3, y: 0.5 } });
if (!("gradient" in parabola)) {
  throw new Error("one point was asked and rows were answered");
}
expect("value", parabola.value, { f: 10.5 });
expect("gradient", parabola.gradient, { x: 6, y: 3 });

const graph = await call("/jacobian", {
  graph: {
    inputs: ["x", { name: "w", shape: [3] }],
    nodes: [{ name: "s", op: "multiply", args: ["x", "w"] }],
    outputs: [{ name: "y", value: { op: "square", args: ["s"] } }],
  },
  points: [
    { x: 2, w: [1, 0, -1] },
    { x: 1, w: [1, 2, 3] },
  ],
  wrt: ["x"],
});
if (!("results" in graph)) {
  throw new Error("rows were asked and one point was answered");
}
expect(
  "jacobian",
  graph.results.map((row) => "jacobian" in row && row.jacobian),
  [{ y: { x: [4, 0, 4] } }, { y: { x: [2, 8, 18] } }],
);

// @ts-expect-error a field that the document does not have
const [status, body] = await post("/value", { formulas: "x", at: { x: 1 } } satisfies Request<"/value">);
const problem = body as Problem;
expect("status of an unknown field", [status, problem.status, problem.type], [422, 422, "/problems/invalid-request"]);
expect("pointer to an unknown field", problem.errors?.[0]?.pointer, "/formulas");

console.log("the TypeScript types hold: values, gradients, Jacobians and problems");
