/** Who runs what, with any hosts and demands. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Host, priorities } from "../../../bus/index.ts";
import { type PoolDemand, place, type Shares, totalsOf } from "./placement.ts";

function host(id: string, cores: number, starts = { high: 1, normal: 1, low: 1 }): Host {
  return { id, name: `machine-${id}`, cores, starts };
}

const hosts = fc
  .array(
    fc.record({
      cores: fc.integer({ min: 1, max: 32 }),
      starts: fc.record({ high: fc.nat(2), normal: fc.nat(2), low: fc.nat(2) }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map(list => list.map(({ cores, starts }, i) => host(`host-${i}`, cores, starts)));

const demand: fc.Arbitrary<PoolDemand> = fc
  .record({
    floor: fc.nat(4),
    extra: fc.nat(30),
    busy: fc.double({ min: 0, max: 1.5, noNaN: true }),
    cores: fc.double({ min: 0.05, max: 2, noNaN: true }),
    manual: fc.boolean(),
  })
  .map(({ floor, extra, busy, cores, manual }) => ({
    floor,
    wanted: floor + extra,
    need: (floor + extra) * busy,
    cores,
    manual,
  }));
const demands = fc.record({ high: demand, normal: demand, low: demand });

const nobody: Shares = {};
const costOf = ({ cores, need, wanted }: PoolDemand) => cores * Math.min(1, need / Math.max(1, wanted));

test("an operator's number and the floors are given in full; nothing beyond what is wanted", () => {
  fc.assert(
    fc.property(hosts, demands, (all, wanted) => {
      const totals = totalsOf(place(all, wanted, nobody));
      for (const priority of priorities) {
        const { floor, manual, wanted: most } = wanted[priority];
        const takes = all.some(({ starts }) => starts[priority] > 0);
        if (manual) expect(totals[priority]).toBe(most);
        else if (takes) expect(totals[priority]).toBeGreaterThanOrEqual(floor);
        else expect(totals[priority]).toBe(0);
        expect(totals[priority]).toBeLessThanOrEqual(most);
      }
    }),
  );
});

test("beyond floors and operators' numbers no host gets work for more cores than it has", () => {
  fc.assert(
    fc.property(hosts, demands, (all, wanted) => {
      const automatic = {
        high: { ...wanted.high, manual: false, floor: 0 },
        normal: { ...wanted.normal, manual: false, floor: 0 },
        low: { ...wanted.low, manual: false, floor: 0 },
      };
      const shares = place(all, automatic, nobody);
      for (const { id, cores } of all) {
        const used = priorities.reduce((sum, one) => sum + shares[id]![one] * costOf(automatic[one]), 0);
        expect(used).toBeLessThanOrEqual(cores + 1e-9);
      }
    }),
  );
});

test("what the pools after it want takes nothing from a pool", () => {
  fc.assert(
    fc.property(hosts, demands, demand, demand, (all, wanted, normal, low) => {
      const alone = totalsOf(place(all, wanted, nobody));
      expect(totalsOf(place(all, { ...wanted, normal, low }, nobody)).high).toBe(alone.high);
      expect(totalsOf(place(all, { ...wanted, low }, nobody)).normal).toBe(alone.normal);
    }),
  );
});

test("the same demand again moves nothing, and a host that vanishes takes nothing from the others", () => {
  fc.assert(
    fc.property(hosts, demands, (all, wanted) => {
      const manual = {
        high: { ...wanted.high, manual: true },
        normal: { ...wanted.normal, manual: true },
        low: { ...wanted.low, manual: true },
      };
      const first = place(all, manual, nobody);
      expect(place(all, manual, first)).toEqual(first);
      const rest = all.slice(1);
      // Where the last host that took part in a pool goes, all others take it up: that is another matter.
      const isLeft = priorities.every(one => rest.some(({ starts }) => starts[one] > 0));
      if (!isLeft) return;
      const after = place(rest, manual, first);
      for (const { id } of rest) {
        for (const one of priorities) expect(after[id]![one]).toBeGreaterThanOrEqual(first[id]![one]);
      }
      expect(totalsOf(after)).toEqual(totalsOf(first));
    }),
  );
});

test("when the high pool needs the cores, the low one goes down to its floor", () => {
  const busy = (wanted: number): PoolDemand => ({ floor: 1, wanted, need: wanted, cores: 1, manual: false });
  const idle: PoolDemand = { floor: 1, wanted: 1, need: 0, cores: 1, manual: false };
  const four = [host("a", 4)];
  const before = place(four, { high: idle, normal: idle, low: busy(8) }, nobody);
  expect(before.a).toEqual({ high: 1, normal: 1, low: 4 });
  expect(place(four, { high: busy(4), normal: idle, low: busy(8) }, before).a).toEqual({
    high: 4,
    normal: 1,
    low: 1,
  });
});

test("supervisors on one machine share its cores", () => {
  const twins = [
    { ...host("a", 4), name: "one" },
    { ...host("b", 4), name: "one" },
  ];
  const busy: PoolDemand = { floor: 0, wanted: 20, need: 20, cores: 1, manual: false };
  const none: PoolDemand = { ...busy, wanted: 0, need: 0 };
  expect(place(twins, { high: busy, normal: none, low: none }, nobody)).toEqual({
    a: { high: 2, normal: 0, low: 0 },
    b: { high: 2, normal: 0, low: 0 },
  });
});
