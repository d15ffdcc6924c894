/** What was measured before: compared, and drawn again. */
import { join } from "node:path";
import { chartPage } from "../record/chart.ts";
import { compareResults, showComparison } from "../record/compare.ts";
import { latest, load, resultsDir } from "../record/store.ts";
import { type Command, noMore, Refused } from "./command.ts";

export const compareCommand: Command = {
  name: "compare",
  usage: "compare A B",
  about: "what got slower from commit A to commit B beyond noise; exit code 1 if anything did",
  async run({ args: [a, b, ...more], values }) {
    if (a === undefined || b === undefined) throw new Refused("compare takes two commits");
    noMore(more, 0);
    const comparison = compareResults(load(a), load(b));
    console.log(values.json ? JSON.stringify(comparison) : showComparison(comparison));
    return comparison.regressions.length === 0 ? 0 : 1;
  },
};

export const chartCommand: Command = {
  name: "chart",
  usage: "chart [COMMIT]",
  about: "draw the page of a commit's results again (else of the last ones)",
  async run({ args: [name, ...more] }) {
    noMore(more, 0);
    const results = name === undefined ? latest() : load(name);
    const page = join(resultsDir, `${results.commit}.html`);
    await Bun.write(page, chartPage(results));
    console.log(page);
    return 0;
  },
};
