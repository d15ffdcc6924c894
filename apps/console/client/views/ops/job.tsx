/** One job: what became of it, try by try, and what can be done about it. */
import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Copyable } from "../../parts/copy.tsx";
import { confirm } from "../../parts/dialog.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Shown } from "../../parts/state.tsx";
import { Time } from "../../parts/time.tsx";
import { ask } from "../../state/api.ts";
import { duration } from "../../state/format.ts";
import { useRead } from "../../state/query.ts";
import { mayOperate } from "../../state/session.ts";
import type { Job } from "../../state/wire.ts";
import { TryList } from "./try-list.tsx";

const ended = new Set(["done", "discarded", "cancelled", "dead"]);
const LOOK_AGAIN_MS = 1_500;

export function JobView({ id }: { id: string }) {
  const job = useRead<Job>(`/ops/jobs/${id}`);
  const isOpen = job.data !== undefined && !ended.has(job.data.status);
  // Read again while something may still happen to it.
  const again = useRead<Job>(isOpen ? `/ops/jobs/${id}` : null, { everyMs: LOOK_AGAIN_MS });
  const shown = { ...job, data: again.data ?? job.data };
  return (
    <Page
      title={shown.data?.kind ?? "Job"}
      up={{ to: "/jobs", title: "Jobs" }}
      beside={shown.data && <Status of={shown.data.status} />}
      actions={shown.data && <Actions job={shown.data} reload={job.reload} />}
    >
      <Shown reading={shown}>
        {one => (
          <div class="grid-main">
            <div class="stack">
              <Progress job={one} />
              <Panel title="Timeline" padded>
                <JobTimeline job={one} />
              </Panel>
              <Panel title="Payload" padded>
                <pre class="code-block">{JSON.stringify(one.payload, null, 2)}</pre>
              </Panel>
            </div>
            <Panel title="About" padded>
              <About job={one} />
            </Panel>
          </div>
        )}
      </Shown>
    </Page>
  );
}

function About({ job }: { job: Job }) {
  return (
    <Facts
      of={[
        ["Id", <Copyable key="id" value={job.id} what="id" />],
        ["Key", job.key && <Link to={`/jobs?key=${encodeURIComponent(job.key)}`}>{job.key}</Link>],
        ["Store", job.storeId === "-" ? "none" : job.storeId],
        ["Pool", job.priority],
        ["Version", String(job.version)],
        ["Queued", <Time key="queued" at={job.queuedAt} exact />],
        ["Due", job.runAt && <Time key="due" at={job.runAt} exact />],
        ["Finished", <Time key="finished" at={job.finishedAt} exact />],
        ["Whole time", job.finishedAt && duration(Date.parse(job.finishedAt) - Date.parse(job.queuedAt))],
        ["Worker", job.worker && <code>{job.worker}</code>],
        [
          "Trace",
          job.traceparent && (
            <Copyable key="trace" value={job.traceparent.split("-")[1] ?? job.traceparent} what="trace id" />
          ),
        ],
      ]}
    />
  );
}

function JobTimeline({ job }: { job: Job }) {
  return (
    <ol class="timeline">
      <li>
        <span>
          Queued <Time at={job.queuedAt} exact />
        </span>
      </li>
      <TryList tries={job.tries} />
      {job.cancelRequestedAt && (
        <li data-tone="bad">
          <span>
            Somebody asked for its end <Time at={job.cancelRequestedAt} exact />
          </span>
        </li>
      )}
      {job.finishedAt ? (
        <li data-tone={job.status === "done" ? "ok" : "bad"}>
          <span>
            Ended as <strong>{job.status}</strong> <Time at={job.finishedAt} exact />
          </span>
          {job.error && <span class="muted">{job.error}</span>}
        </li>
      ) : (
        <li>
          <span class="muted">{job.runAt ? "Waits until it is due" : "Not over yet"}</span>
        </li>
      )}
    </ol>
  );
}

function Progress({ job: { progress } }: { job: Job }) {
  if (!progress) return null;
  const { done, total, fraction, note } = progress;
  const part = fraction ?? (done != null && total ? done / total : null);
  return (
    <Panel title="Progress" padded>
      <div class="stack">
        <progress
          class="bar"
          max={1}
          {...(part === null ? {} : { value: part })}
          aria-label="Progress of the job"
        />
        <span class="muted">
          {[done != null && total ? `${done} of ${total}` : "", note ?? ""].filter(Boolean).join(" · ")}
        </span>
      </div>
    </Panel>
  );
}

function Actions({ job, reload }: { job: Job; reload: () => void }) {
  const operate = mayOperate("ops");
  if (ended.has(job.status) || job.cancelRequestedAt) {
    return job.status === "dead" ? (
      <Link to={`/dead?key=${encodeURIComponent(job.key)}`}>Its dead letter</Link>
    ) : null;
  }
  const cancel = () =>
    confirm({
      title: "Cancel this job?",
      text: (
        <p>
          If it waits it never starts; if it runs its worker is told to stop. What it has done already is not
          taken back.
        </p>
      ),
      action: "Cancel the job",
      danger: true,
      reason: { label: "Reason", required: false },
      run: async reason => {
        await ask(`/ops/jobs/${job.id}`, { method: "DELETE", query: { reason } });
        reload();
      },
    });
  return (
    <Button tone="danger" disabled={!operate} onPress={cancel}>
      Cancel the job
    </Button>
  );
}
