import { latencyBuckets } from "../../../platform/metrics.ts";
import { perNode } from "./per-node.ts";

/** The one histogram of a node's answers. */
export const answersOf = perNode(({ metrics }) =>
  metrics.denseHistogram(
    "tradewind_http_request_seconds",
    "Time from the arrival of a request to its answer, streams up to their first byte",
    latencyBuckets,
    ["method", "route", "status"],
  ),
);
