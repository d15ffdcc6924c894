/**
 * Ratios for CI: of the scenarios that have a short form, how much of the limit is reached, ours and the limit in turns on one
 * stack. Machines are noisy and shared, so it fails only below half of a scenario's bar, and only when a second look
 * says the same. It tells no times.
 */
import { on } from "../execute.ts";
import type { Scenario } from "../scenario.ts";
import { scenarios } from "../scenarios/index.ts";
import { startBenchStack } from "../stack.ts";
import { type Command, noMore, numberOf } from "./command.ts";

const SECONDS = 1.5;
const SHARE = 0.5;

type Ratio = NonNullable<Scenario["ratio"]>;
type Looked = { name: string; ratio: number; bar: number; least: number; ok: boolean };

export const quickCommand: Command = {
  name: "quick",
  usage: "quick",
  about: "a minute of ratios, for CI: exit code 1 below half of a bar",
  async run({ args, values, say }) {
    noMore(args, 0);
    const seconds = values.seconds === undefined ? SECONDS : numberOf(values.seconds, "--seconds", 0.5, 60);
    const looked = await on(startBenchStack(), async stack => {
      const all: Looked[] = [];
      for (const { name, ratio } of short()) {
        let reached = await ratio.measure(stack, seconds);
        if (!isEnough(ratio, reached)) {
          say(`bench: ${name} reached ${reached}; once more`);
          reached = Math.max(reached, await ratio.measure(stack, 2 * seconds));
        }
        all.push(judged(name, ratio, reached));
      }
      return all;
    });
    console.log(values.json ? JSON.stringify(looked) : looked.map(shown).join("\n"));
    return looked.every(one => one.ok) ? 0 : 1;
  },
};

const short = () =>
  scenarios.flatMap(one => ("ratio" in one && one.ratio ? [{ name: one.name, ratio: one.ratio }] : []));

const isEnough = ({ bar }: Ratio, ratio: number) => ratio >= bar * SHARE;

const judged = (name: string, one: Ratio, ratio: number): Looked => ({
  name,
  ratio,
  bar: one.bar,
  least: one.bar * SHARE,
  ok: isEnough(one, ratio),
});

const shown = ({ name, ratio, bar, least, ok }: Looked) =>
  `bench: ${name}: ${ratio} of the limit (bar ${bar}, here at least ${Number(least.toFixed(3))})${ok ? "" : "  TOO SLOW"}`;
