import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import type { KindState } from "../../state/wire.ts";

/** The pool as a shape and a colour. */
export function PoolMark({ priority, label = priority }: { priority: string; label?: string }) {
  return (
    <span class="row nowrap">
      <span class="swatch" data-pool={priority} aria-hidden="true" />
      {label}
    </span>
  );
}

/** A kind's name, its pool, and whether it rests. */
export function KindMark({ kind, priority }: { kind: KindState; priority: string }) {
  return (
    <span class="row">
      <span class="kind-mark">
        <span class="swatch" data-pool={priority} aria-hidden="true" />
        <Link to={`/jobs?kind=${kind.kind}`} class="kind-name">
          {kind.kind}
        </Link>
      </span>
      <span class="hidden-text">, pool {priority}</span>
      {kind.paused && (
        <Badge tone="warn" icon="pause">
          {pauseWords(kind)}
        </Badge>
      )}
    </span>
  );
}

const causes: Record<string, string> = {
  pool: "pool paused",
  sale: "paused by the sale",
  downstream: "waits for its service",
};

function pauseWords({ pauses = [] }: KindState): string {
  const cause = pauses.find(one => one.by !== "operator");
  return (cause && causes[cause.by]) ?? "paused";
}
