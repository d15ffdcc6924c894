/** The ledger: find a job by its id, business key, kind or status. */
import { useMemo, useState } from "preact/hooks";
import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { SelectField, TextField } from "../../parts/field.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty } from "../../parts/state.tsx";
import { ListTable } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { withQuery } from "../../state/api.ts";
import { duration } from "../../state/format.ts";
import { snapshot } from "../../state/live.ts";
import { useList } from "../../state/query.ts";
import { go, place, setQuery } from "../../state/router.ts";
import { useSignal } from "../../state/signal.ts";
import type { Job } from "../../state/wire.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ages: Record<string, number> = { "15m": 900_000, "1h": 3_600_000, "1d": 86_400_000, "7d": 604_800_000 };
const ageNames: [string, string][] = [
  ["", "any time"],
  ["15m", "the last 15 minutes"],
  ["1h", "the last hour"],
  ["1d", "the last day"],
  ["7d", "the last week"],
];
const statuses = ["queued", "delayed", "retrying", "done", "discarded", "cancelled", "dead"];

export function JobsView() {
  const { query } = useSignal(place);
  const [key, kind, status, age] = ["key", "kind", "status", "age"].map(name => query.get(name) ?? "") as [
    string,
    string,
    string,
    string,
  ];
  // Fixed when it is chosen: a moment that moved on would be another list each time.
  const since = useMemo(() => (ages[age] ? new Date(Date.now() - ages[age]).toISOString() : ""), [age]);
  const jobs = useList<Job>(withQuery("/ops/jobs", { key, kind, status, since, limit: 50 }));
  return (
    <Page
      title="Jobs"
      actions={
        <>
          <Link to={key ? `/timeline?key=${encodeURIComponent(key)}` : "/timeline"} class="button">
            Timeline{key ? " of this key" : " of a key"}
          </Link>
          <Button icon="refresh" onPress={jobs.reload}>
            Refresh
          </Button>
        </>
      }
    >
      <Panel>
        <Filters key={key} text={key} kind={kind} status={status} age={age} />
        <ListTable<Job>
          caption="Jobs, latest first"
          listing={jobs}
          keyOf={job => job.id}
          empty={
            <Empty icon="jobs" title="No such jobs">
              {key || kind || status || age
                ? "Nothing in the ledger fits these filters."
                : "The ledger is empty: no job has been enqueued yet."}
            </Empty>
          }
          columns={[
            {
              title: "Job",
              cell: job => (
                <Link to={`/jobs/${job.id}`}>
                  <span class="kind-name">{job.kind}</span>
                  <span class="hidden-text"> {job.id}</span>
                </Link>
              ),
            },
            { title: "Key", class: "clip", cell: job => <KeyLink of={job.key} /> },
            { title: "Status", cell: job => <Status of={job.status} /> },
            { title: "Try", number: true, cell: job => String(job.attempt) },
            { title: "Queued", cell: job => <Time at={job.queuedAt} /> },
            { title: "Took", number: true, cell: took },
            { title: "Error", class: "clip", cell: job => job.error ?? "" },
          ]}
        />
      </Panel>
    </Page>
  );
}

function took({ queuedAt, finishedAt }: Job): string {
  return finishedAt ? duration(Date.parse(finishedAt) - Date.parse(queuedAt)) : "";
}

function KeyLink({ of }: { of: string }) {
  return of ? <Link to={`/jobs?key=${encodeURIComponent(of)}`}>{of}</Link> : null;
}

type FiltersProps = { text: string; kind: string; status: string; age: string };

function Filters({ text, kind, status, age }: FiltersProps) {
  const [typed, setTyped] = useState(text);
  const now = useSignal(snapshot);
  const kinds = now?.pools.flatMap(pool => pool.kinds.map(one => one.kind)) ?? (kind ? [kind] : []);
  const search = (event: Event) => {
    event.preventDefault();
    const wanted = typed.trim();
    if (uuid.test(wanted)) go(`/jobs/${wanted}`);
    else setQuery("key", wanted);
  };
  return (
    <form class="filters" aria-label="Search" onSubmit={search}>
      <TextField
        wide
        label="Id or business key"
        type="search"
        value={typed}
        onValue={setTyped}
        placeholder="order:ord_… or a job's id"
        maxLength={200}
      />
      <SelectField
        label="Kind"
        value={kind}
        onValue={value => setQuery("kind", value)}
        options={[["", "all kinds"], ...kinds.map(one => [one, one] as const)]}
      />
      <SelectField
        label="Status"
        value={status}
        onValue={value => setQuery("status", value)}
        options={[["", "any status"], ...statuses.map(one => [one, one] as const)]}
      />
      <SelectField
        label="Queued in"
        value={age}
        onValue={value => setQuery("age", value)}
        options={ageNames}
      />
      <Button type="submit">Search</Button>
    </form>
  );
}
