/** What a load needs, computed from what was measured. */
import { measuresOf, planFor, showPlan } from "../record/capacity.ts";
import { baseline, load } from "../record/store.ts";
import { type Command, noMore, numberOf, Refused } from "./command.ts";

const MOST = 100_000_000;

export const capacityCommand: Command = {
  name: "capacity",
  usage: "capacity --orders-per-minute N --rps N",
  about:
    "nodes, workers and cores for a load, from measured figures (--results COMMIT; else the kept baseline)",
  async run({ args, values }) {
    noMore(args, 0);
    const [orders, rps] = [values["orders-per-minute"], values.rps];
    if (orders === undefined && rps === undefined)
      throw new Refused("capacity takes --orders-per-minute and --rps");
    const target = {
      ordersPerMinute: numberOf(orders ?? "0", "--orders-per-minute", 0, MOST),
      rps: numberOf(rps ?? "0", "--rps", 0, MOST),
    };
    const plan = planFor(measuresOf(values.results ? load(values.results) : baseline()), target);
    console.log(values.json ? JSON.stringify(plan) : showPlan(plan));
    return 0;
  },
};
