import { expect, test } from "bun:test";
import type { Host, PoolWish } from "../../../bus/index.ts";
import { reservedForSale } from "./sale.ts";

const none: PoolWish = { processes: null, floor: null, ceiling: null };
const wishes = (high: Partial<PoolWish> = {}) => ({ high: { ...none, ...high }, normal: none, low: none });
const host = (name: string, cores: number) => ({ name, cores }) as Host;
const hosts = [host("a", 4), host("b", 2)];

test("a sale keeps a process of the high pool per core, within what an operator set", () => {
  expect(reservedForSale(wishes(), true, hosts)).toEqual(wishes({ floor: 6 }));
  expect(reservedForSale(wishes({ floor: 8 }), true, hosts)).toEqual(wishes({ floor: 8 }));
  expect(reservedForSale(wishes({ ceiling: 3 }), true, hosts)).toEqual(wishes({ floor: 3, ceiling: 3 }));
  expect(reservedForSale(wishes({ processes: 1 }), true, hosts)).toEqual(wishes({ processes: 1 }));
  expect(reservedForSale(wishes(), false, hosts)).toEqual(wishes());
});
