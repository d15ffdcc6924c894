/** Canaries that are out, and those that ended lately. */
import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Link } from "../../parts/link.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { attempt } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import { type Page, useRead } from "../../state/query.ts";
import { mayOperate } from "../../state/session.ts";
import type { Canary } from "../../state/wire.ts";

const LOOK_AGAIN_MS = 2_000;
const ended = new Set(["done", "stopped"]);

export function Canaries({ onMoved }: { onMoved: () => void }) {
  const canaries = useRead<Page<Canary>>("/ops/dead/canaries?limit=5", { everyMs: LOOK_AGAIN_MS });
  const operate = mayOperate("ops");
  const rows = canaries.data?.items ?? [];
  if (rows.length === 0) return null;
  const send = async (canary: Canary, what: "continue" | "stop", done: string) => {
    await attempt(() => ask(`/ops/dead/canaries/${canary.id}/${what}`, { method: "POST" }), done);
    canaries.reload();
    onMoved();
  };
  return (
    <Panel title="Canaries">
      <div aria-live="polite">
        <Table<Canary>
          caption="Canaries, latest first"
          rows={rows}
          keyOf={one => one.id}
          columns={[
            { title: "Of", cell: one => <span class="kind-name">{one.kind ?? one.fingerprint}</span> },
            { title: "Status", cell: one => <Status of={one.status} /> },
            { title: "Portion", number: true, cell: one => `${one.portion} (${one.portionSize})` },
            { title: "Replayed", number: true, cell: one => String(one.replayed) },
            { title: "Done", number: true, cell: one => String(one.succeeded) },
            { title: "Failed", number: true, cell: one => <Failed canary={one} /> },
            { title: "Started", cell: one => <Time at={one.createdAt} /> },
            {
              title: "Actions",
              unnamed: true,
              class: "nowrap number",
              cell: one => (
                <span class="row end">
                  {(one.status === "waiting" || one.status === "stopped") && (
                    <Button
                      small
                      disabled={!operate}
                      onPress={() => send(one, "continue", "The next portion is out.")}
                    >
                      Go on
                    </Button>
                  )}
                  {!ended.has(one.status) && (
                    <Button
                      small
                      tone="danger"
                      disabled={!operate}
                      onPress={() => send(one, "stop", "The canary has stopped.")}
                    >
                      Stop
                    </Button>
                  )}
                </span>
              ),
            },
          ]}
        />
      </div>
    </Panel>
  );
}

function Failed({ canary: { failed, stoppedAt } }: { canary: Canary }) {
  if (!stoppedAt?.jobId) return <>{failed}</>;
  return <Link to={`/jobs/${stoppedAt.jobId}`}>{`${failed}: ${stoppedAt.error.slice(0, 60)}`}</Link>;
}
