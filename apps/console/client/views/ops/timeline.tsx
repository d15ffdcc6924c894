/** What happened to one business key, from the request that began it to the last try of its last job. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/field.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty, Failure, Loading } from "../../parts/state.tsx";
import { More } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { withQuery } from "../../state/api.ts";
import { duration, words } from "../../state/format.ts";
import { useList } from "../../state/query.ts";
import { place, setQuery } from "../../state/router.ts";
import { useSignal } from "../../state/signal.ts";
import type { TimelineEntry } from "../../state/wire.ts";

export function TimelineView() {
  const { query } = useSignal(place);
  const key = query.get("key") ?? "";
  const entries = useList<TimelineEntry>(key ? withQuery("/ops/timeline", { key, limit: 100 }) : null);
  return (
    <Page title="Timeline" up={{ to: key ? `/jobs?key=${encodeURIComponent(key)}` : "/jobs", title: "Jobs" }}>
      <Panel>
        <Search key={key} text={key} />
        <div class="panel-body">
          <Entries of={key} entries={entries} />
        </div>
      </Panel>
    </Page>
  );
}

function Search({ text }: { text: string }) {
  const [typed, setTyped] = useState(text);
  const search = (event: Event) => {
    event.preventDefault();
    setQuery("key", typed.trim());
  };
  return (
    <form class="filters" aria-label="Search" onSubmit={search}>
      <TextField
        wide
        label="Business key"
        type="search"
        value={typed}
        onValue={setTyped}
        placeholder="order:ord_…"
        maxLength={200}
      />
      <Button type="submit">Show</Button>
    </form>
  );
}

function Entries({ of: key, entries }: { of: string; entries: ReturnType<typeof useList<TimelineEntry>> }) {
  if (key === "") {
    return (
      <Empty icon="clock" title="Which key?">
        An order, a product or a picture: order:ord_…, product:prod_…, asset:asset_…
      </Empty>
    );
  }
  if (entries.data === undefined)
    return entries.error ? <Failure error={entries.error} retry={entries.reload} /> : <Loading />;
  if (entries.items.length === 0) {
    return (
      <Empty icon="clock" title="Nothing is known of this key">
        The ledger forgets after the retention of each kind.
      </Empty>
    );
  }
  return (
    <>
      <ol class="timeline">
        {entries.items.map(one => (
          <Entry key={`${one.at} ${one.type} ${one.jobId} ${one.attempt}`} of={one} />
        ))}
      </ol>
      <More listing={entries} />
    </>
  );
}

function toneOf({ type, outcome, status, httpStatus }: TimelineEntry): "ok" | "bad" | undefined {
  if (type === "dead" || outcome === "failed" || status === "dead" || (httpStatus ?? 0) >= 500) return "bad";
  return outcome === "done" || status === "done" ? "ok" : undefined;
}

function Entry({ of: entry }: { of: TimelineEntry }) {
  return (
    <li data-tone={toneOf(entry)}>
      <span class="row">
        <strong>{headlineOf(entry)}</strong>
        {(entry.outcome ?? entry.status) && <Status of={(entry.outcome ?? entry.status)!} />}
        <Time at={entry.at} exact />
        {entry.endedAt && (
          <span class="muted">{duration(Date.parse(entry.endedAt) - Date.parse(entry.at))}</span>
        )}
        {entry.tookMs !== undefined && <span class="muted">{duration(entry.tookMs)}</span>}
      </span>
      {entry.error && <span>{entry.error}</span>}
      {entry.note && <span class="muted">{entry.note}</span>}
      <span class="muted small">{detailOf(entry)}</span>
    </li>
  );
}

function headlineOf({ type, kind, method, route, attempt, httpStatus }: TimelineEntry): string {
  if (type === "request") return `${method} ${route} → ${httpStatus}`;
  if (type === "job.queued") return `${kind} queued`;
  if (type === "job.try") return `${kind}, try ${attempt}`;
  if (type === "job.due") return `${kind} is due`;
  if (type === "job.ended") return `${kind} ended`;
  if (type === "dead") return `${kind} died`;
  return words(type);
}

function detailOf({
  jobId,
  deadId,
  replayedAs,
  worker,
  node,
  actor,
  traceId,
}: TimelineEntry): ComponentChildren {
  const parts: ComponentChildren[] = [];
  if (deadId) parts.push(<Link to={`/dead/${encodeURIComponent(deadId)}`}>dead letter</Link>);
  else if (jobId) parts.push(<Link to={`/jobs/${jobId}`}>job {jobId.slice(-12)}</Link>);
  if (replayedAs) parts.push(<Link to={`/jobs/${replayedAs}`}>replayed as {replayedAs.slice(-12)}</Link>);
  if (worker) parts.push(`on ${worker}`);
  if (node) parts.push(`by ${node}`);
  if (actor) parts.push(`with the key ${actor}`);
  if (traceId) parts.push(`trace ${traceId}`);
  return parts.flatMap((part, i) => (i === 0 ? [part] : [" · ", part]));
}
