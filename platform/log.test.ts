import { expect, test } from "bun:test";
import { Writable } from "node:stream";
import { createLog } from "./log.ts";

function recorded() {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { lines, log: createLog({ level: "info", process: "test", destination }) };
}

const MAIL = "ada@example.org";
const KEY = "sk_0123456789abcdefghjkmnpqrstvwxyz";

test.each([
  ["its message", new Error(`no answer from postgres://shop:hunter2@db:5432 for ${MAIL} with ${KEY}`)],
  ["its cause", new Error("failed", { cause: new Error(`550 <${MAIL}> ${KEY} hunter2@x`) })],
  ["errors that it holds", new AggregateError([new Error(MAIL), new Error(KEY)], "all failed")],
  [
    "what a database says",
    Object.assign(new Error("duplicate key value"), {
      detail: `Key (email)=(${MAIL})`,
      parameters: [MAIL, "hunter2"],
    }),
  ],
  [
    "the request that it came from",
    Object.assign(new Error("rejected"), { request: { authorization: KEY }, body: "hunter2" }),
  ],
  ["fields of any name", Object.assign(new Error("rejected"), { to: [MAIL], options: { key: KEY } })],
])("an error is logged without secrets and people in %s", (_, error) => {
  const { lines, log } = recorded();
  log.error({ err: error }, "request failed");
  const text = lines.join("");
  expect(text).toContain(error.message.slice(0, 8));
  expect(text).toContain("log.test.ts");
  expect(text).not.toMatch(/hunter2|ada@|sk_0123/);
});

test("what is logged as an error and is none is freed as well", () => {
  const { lines, log } = recorded();
  log.error({ err: `refused ${MAIL}` }, "request failed");
  expect(lines.join("")).toContain("refused <mail>");
});
