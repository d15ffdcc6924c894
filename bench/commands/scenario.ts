/** One scenario, or all of them one after the other, each on servers of its own; results and chart are kept. */
import { join } from "node:path";
import { execute } from "../execute.ts";
import { chartPage } from "../record/chart.ts";
import { fileOf, keep, resultsDir } from "../record/store.ts";
import { show } from "../report.ts";
import type { AnyScenario, FullReport } from "../scenario.ts";
import { scenarios } from "../scenarios/index.ts";
import { type Call, type Command, noMore, numberOf, Refused } from "./command.ts";

const QUICK_SECONDS = 2;

export const scenarioCommand: Command = {
  name: "run",
  usage: "run SCENARIO",
  about: "the same as the scenario's name alone",
  async run(call) {
    const { args } = call;
    noMore(args, 1);
    const scenario = scenarios.find(one => one.name === args[0]);
    if (!scenario) throw new Refused(`there is no scenario ${args[0] ?? ""}`.trimEnd());
    const report = await measure(scenario, call);
    console.log(call.values.json ? JSON.stringify(report) : show(report));
    return report.exact ? 0 : 1;
  },
};

export const allCommand: Command = {
  name: "all",
  usage: "all",
  about: "every scenario, one after the other (--quick: in minutes, not to quote)",
  async run(call) {
    noMore(call.args, 0);
    const failed: string[] = [];
    const reports: FullReport[] = [];
    for (const scenario of scenarios) {
      try {
        const report = await measure(scenario, call);
        reports.push(report);
        if (!report.exact) failed.push(`${scenario.name}: not exact`);
        if (!call.values.json) console.log(show(report));
      } catch (error) {
        failed.push(`${scenario.name}: ${(error as Error).message.slice(0, 500)}`);
      }
    }
    if (call.values.json) console.log(JSON.stringify({ reports, failed }));
    for (const line of failed) call.say(`bench: FAILED ${line}`);
    return failed.length === 0 ? 0 : 1;
  },
};

async function measure(scenario: AnyScenario, { values, say }: Call): Promise<FullReport> {
  const { quick } = values;
  const usual = quick ? Math.min(QUICK_SECONDS, scenario.seconds) : scenario.seconds;
  const seconds = values.seconds === undefined ? usual : numberOf(values.seconds, "--seconds", 0.5, 3_600);
  const report = await execute(scenario, { seconds, quick, say });
  const results = keep(report);
  const page = join(resultsDir, `${report.commit}.html`);
  await Bun.write(page, chartPage(results));
  say(`bench: kept in ${fileOf(report.commit)}, drawn in ${page}`);
  return report;
}
