import { Status } from "../../parts/badge.tsx";
import { Time } from "../../parts/time.tsx";
import { duration } from "../../state/format.ts";
import type { Try } from "../../state/wire.ts";

/** Items of a timeline, one a try. */
export function TryList({ tries }: { tries: readonly Try[] }) {
  return (
    <>
      {tries.map(one => (
        <li key={one.attempt} data-tone={one.outcome === "done" ? "ok" : one.outcome ? "bad" : undefined}>
          <span class="row">
            Try {one.attempt}
            {one.outcome && <Status of={one.outcome} />}
            <Time at={one.startedAt} exact />
            {one.startedAt && one.endedAt && (
              <span class="muted">{duration(Date.parse(one.endedAt) - Date.parse(one.startedAt))}</span>
            )}
          </span>
          {(one.worker || one.traceparent) && (
            <span class="muted small">
              {[one.worker && `on ${one.worker}`, one.traceparent && `trace ${one.traceparent.split("-")[1]}`]
                .filter(Boolean)
                .join(" · ")}
            </span>
          )}
          {one.error && <span>{one.error}</span>}
        </li>
      ))}
    </>
  );
}
