/**
 * A job in its trace: a step from the moment it was enqueued until JetStream stored it (the outbox), and below it one for
 * each try. The outbox step's id follows from the job's, so that every try names the same parent.
 */
import type { Ending, Pulled, Received } from "../bus/index.ts";
import { derivedSpanId, newSpanId, type Parent, type Tracer } from "../platform/tracing/index.ts";

type Traced = { readonly job: Received; readonly pulled: Pulled };

const FAILED = new Set(["error", "fail", "retry", "malformed", "killed_worker"]);

/**
 * Runs a try, or a batch of them, as steps of the jobs' traces: jobs that they cause become their children. What a batch
 * asks of Postgres belongs to its first job.
 */
export async function traceTries(
  tracer: Tracer,
  group: readonly Traced[],
  run: (jobs: readonly Received[]) => Promise<Ending[]>,
): Promise<Ending[]> {
  const steps = group.map(one => stepOf(tracer, one));
  const first = steps.find(step => step !== null);
  const jobs = group.map(({ job }, i) => {
    const step = steps[i];
    return step ? { ...job, traceparent: `00-${step.traceId}-${step.spanId}-01` } : job;
  });
  if (!first) return run(jobs);
  const startMs = Date.now();
  const endings = await tracer.within(first, () => run(jobs));
  const endMs = Date.now();
  for (const [i, step] of steps.entries()) {
    if (step) record(tracer, group[i]!, step, { startMs, endMs, ending: endings[i]! });
  }
  return endings;
}

function stepOf(tracer: Tracer, { job }: Traced): Parent | null {
  const cause = tracer.sampled(job.traceparent);
  return cause && { traceId: cause.traceId, spanId: newSpanId() };
}

function record(
  tracer: Tracer,
  { job, pulled }: Traced,
  { traceId, spanId }: Parent,
  { startMs, endMs, ending }: { startMs: number; endMs: number; ending: Ending },
): void {
  const outboxId = derivedSpanId(job.id);
  const attributes = {
    "messaging.system": "nats",
    "messaging.destination.name": job.kind,
    "messaging.message.id": job.id,
    "tradewind.key": job.key,
    "tradewind.store": job.storeId,
  };
  if (job.attempt === 1) {
    tracer.record({
      traceId,
      spanId: outboxId,
      parentSpanId: tracer.sampled(job.traceparent)!.spanId,
      name: `outbox ${job.kind}`,
      kind: "producer",
      startMs: job.queuedAtMs,
      endMs: Math.max(job.queuedAtMs, storedAtMs(pulled)),
      attributes,
    });
  }
  tracer.record({
    traceId,
    spanId,
    parentSpanId: outboxId,
    name: `job ${job.kind}`,
    kind: "consumer",
    startMs,
    endMs,
    attributes: { ...attributes, "tradewind.attempt": job.attempt, "tradewind.outcome": ending.type },
    ...(FAILED.has(ending.type) && { error: ("error" in ending && ending.error) || ending.type }),
  });
}

/** `stored` ends in the server's nanoseconds. */
function storedAtMs({ stored }: Pulled): number {
  return Number(stored.slice(stored.indexOf("-") + 1)) / 1e6;
}
