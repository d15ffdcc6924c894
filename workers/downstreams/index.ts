/** Downstreams of handlers: probes, and what a process knows of who is away. */
export { asSaid, Downstreams, type Judged } from "./downstreams.ts";
export { type Probe, type Probes, probesOf } from "./probes.ts";
