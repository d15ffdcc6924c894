/** All scenarios, in the order of the list that `bun run bench` prints. */
import type { Scenario } from "../scenario.ts";
import { checkoutScenario } from "./checkout.ts";
import { flashScenario } from "./flash.ts";
import { listScenario } from "./list.ts";

export const scenarios: readonly Scenario[] = [checkoutScenario, listScenario, flashScenario];
