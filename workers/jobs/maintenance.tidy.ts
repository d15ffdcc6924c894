import { done, forgetTicks, type Job, maintenanceTidy, type Payload } from "../../bus/index.ts";
import { forgetLearned } from "../../commerce/recommendations/index.ts";
import { forgetCountedOrders } from "../../commerce/storefront/index.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { defineJob } from "../handler.ts";

type Task = Payload<typeof maintenanceTidy>["task"];

const tasks: Record<Task, (sql: Db) => Promise<number>> = {
  counted_orders: forgetCountedOrders,
  learned_orders: forgetLearned,
  ticks: forgetTicks,
};

/** Each task removes by age and can be repeated at any time. */
export const maintenanceTidyJob = defineJob(maintenanceTidy, ({ sql }) => ({
  async run({ payload }: Job<Payload<typeof maintenanceTidy>>, { log }) {
    const removed = await tasks[payload.task](sql);
    log.info({ task: payload.task, removed }, "tidied");
    return done();
  },
}));
