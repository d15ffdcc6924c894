/** All scenarios, in the order of the list that `bun run bench` prints. */
import type { AnyScenario } from "../scenario.ts";
import { adjustScenario } from "./adjust.ts";
import { backlogScenario } from "./backlog.ts";
import { badDayScenario } from "./badday.ts";
import { checkoutScenario } from "./checkout.ts";
import { enqueueScenario } from "./enqueue.ts";
import { flashScenario } from "./flash.ts";
import { freshnessScenario } from "./freshness.ts";
import { idleScenario } from "./idle.ts";
import { imagesScenario } from "./images.ts";
import { indexScenario } from "./index-products.ts";
import { isolationScenario } from "./isolation.ts";
import { jobsScenario } from "./jobs.ts";
import { listScenario } from "./list.ts";
import { pricesScenario } from "./prices.ts";
import { readScenario } from "./read.ts";
import { rollingScenario } from "./rolling.ts";
import { searchScenario } from "./search.ts";
import { soakScenario } from "./soak.ts";

export const scenarios: readonly AnyScenario[] = [
  readScenario,
  checkoutScenario,
  listScenario,
  pricesScenario,
  flashScenario,
  adjustScenario,
  jobsScenario,
  enqueueScenario,
  isolationScenario,
  backlogScenario,
  imagesScenario,
  indexScenario,
  freshnessScenario,
  searchScenario,
  rollingScenario,
  idleScenario,
  soakScenario,
  badDayScenario,
];
