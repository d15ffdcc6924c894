/**
 * Tries every route of the OpenAPI document with requests that are nearly right: missing, extra, wrong-typed and huge values,
 * other shops' ids, broken bodies and headers. `makeWorld` fills two shops, `fuzz` sends, and `faultsOf` says what no answer
 * may be: a 5xx, late, a leak, or an error in another form than problem+json.
 *
 * `bun run fuzz` is main.ts; fuzz.test.ts and isolation.test.ts run in CI.
 */
export { faultsOf } from "./judge.ts";
export { type Description, type Operation, operationsOf } from "./operations.ts";
export { type FuzzReport, fuzz } from "./run.ts";
export { makeWorld, type Send, type World } from "./world.ts";
