/**
 * The supervisor's door, for programs that start a cluster of their own and look at it: where its entry point is, what
 * `stack.json` holds, processes known by pid and start time, and the way to keep one running.
 */
export { type Caller, caller, waitFor } from "./first-light/client.ts";
export { type Keys, openHome, type ServerName, type StackFile } from "./home.ts";
export { root } from "./install.ts";
export { freePort } from "./ports.ts";
export { isAlive, type ProcessRef, startTime } from "./process.ts";
export { type NatsCluster, startNatsCluster, type Ways } from "./servers/nats-cluster.ts";
