import { done, type JobOf, recommendationsLearn } from "../../bus/index.ts";
import { learnOrders } from "../../commerce/recommendations/index.ts";
import { defineJob } from "../handler.ts";

/** Orders that were counted before add nothing, so it may run again at any time. */
export const recommendationsLearnJob = defineJob(recommendationsLearn, ({ sql }) => ({
  async run(job: JobOf<typeof recommendationsLearn>) {
    await learnOrders(sql, job.storeId, job.payload.orderIds);
    return done();
  },
}));
