import { describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { type Contract, contracts, defineContract } from "../../bus/index.ts";
import { contractFaults } from "./contracts.ts";

describe("the contracts", () => {
  test("hold ids and small facts, all of them bounded", () => {
    expect(contracts.flatMap(contractFaults)).toEqual([]);
  });

  test("have kinds that fit subjects and durable names, each once", () => {
    const kinds = contracts.map(one => one.kind);
    expect(kinds.filter(kind => !/^[a-z]+(\.[a-z_]+)+$/.test(kind))).toEqual([]);
    expect(new Set(kinds.map(kind => kind.replaceAll(".", "_"))).size).toBe(kinds.length);
  });

  test("prefetch one job a slot where a job is slow, and never less than they run", () => {
    for (const { kind, prefetch, concurrency, batch } of contracts) {
      const held = batch ? prefetch / batch.max : prefetch;
      expect(`${kind} ${held >= concurrency}`).toBe(`${kind} true`);
    }
  });
});

describe("the check finds", () => {
  const contract = (schema: Contract["schema"]) =>
    defineContract({ ...contracts[0]!, kind: "x.y", schema, key: () => "" }) as Contract;
  const closed = { additionalProperties: false };

  test.each(["email", "name", "customerName", "shippingAddress", "phone", "password", "cardNumber"])(
    "%s",
    field => {
      const schema = Type.Object({ [field]: Type.String({ maxLength: 64 }) }, closed);
      const names = contractFaults(contract(schema)).filter(fault => fault.includes("sounds like"));
      expect(names).toHaveLength(1);
    },
  );

  test("what is unbounded, open, or hidden deeper", () => {
    expect(contractFaults(contract(Type.Object({ id: Type.String() }, closed)))).toContain(
      "x.y.id is a text of any length",
    );
    expect(contractFaults(contract(Type.Object({})))).toEqual(["x.y takes unknown fields"]);
    const deep = Type.Object(
      { lines: Type.Array(Type.Object({ email: Type.Null() }, closed), { maxItems: 2 }) },
      closed,
    );
    expect(contractFaults(contract(deep))).toHaveLength(1);
    expect(contractFaults(contract(Type.Object({ ids: Type.Array(Type.Null()) }, closed)))).toHaveLength(1);
  });

  test.each([undefined, "^[!-~]{1,128}$", "^\\S+$", "^.{1,20}$", "^[\\w ]+$"])(
    "a text by the pattern %s, whatever its field is called",
    pattern => {
      const schema = Type.Object(
        { subject: Type.String({ maxLength: 128, ...(pattern && { pattern }) }) },
        closed,
      );
      expect(contractFaults(contract(schema)).join()).toContain("takes texts such as");
    },
  );

  test("nothing in ids and counts", () => {
    const orderId = Type.String({ maxLength: 64, pattern: "^[0-9a-z_]+$" });
    const schema = Type.Object({ orderId, ms: Type.Integer() }, closed);
    expect(contractFaults(contract(schema))).toEqual([]);
  });
});
