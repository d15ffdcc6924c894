/** One product file: how far it is, and what was wrong with which row. */
import { Status } from "../../parts/badge.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Page } from "../../parts/page.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Empty, Shown } from "../../parts/state.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { count, duration } from "../../state/format.ts";
import { useRead } from "../../state/query.ts";
import type { Import } from "../../state/wire.ts";

const LOOK_AGAIN_MS = 700;

export function ImportView({ id }: { id: string }) {
  const path = `/admin/imports/${id}`;
  const reading = useRead<Import>(path);
  const isOpen =
    reading.data !== undefined && (reading.data.status === "queued" || reading.data.status === "running");
  const again = useRead<Import>(isOpen ? path : null, { everyMs: LOOK_AGAIN_MS });
  const shown = { ...reading, data: again.data ?? reading.data };
  return (
    <Page
      title={shown.data?.fileName ?? "Import"}
      up={{ to: "/imports", title: "Imports" }}
      beside={shown.data && <Status of={shown.data.status} />}
    >
      <Shown reading={shown}>
        {one => (
          <>
            {one.reason && (
              <div class="notice" data-tone="bad" role="alert">
                <Icon name="dead" />
                <span>{one.reason}</span>
              </div>
            )}
            <Progress of={one} />
            <Errors of={one} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Progress({ of: one }: { of: Import }) {
  const isOver = one.status === "done" || one.status === "failed";
  const took =
    one.startedAt && one.finishedAt ? duration(Date.parse(one.finishedAt) - Date.parse(one.startedAt)) : null;
  return (
    <Panel title="Progress" padded>
      <div class="stack">
        {!isOver && <progress class="bar" aria-label="The import is running" />}
        <p role="status">
          {one.status === "queued"
            ? "It waits for a worker."
            : `${count(one.rows)} rows read, ${count(one.products)} products, ${count(one.variants)} variants.`}
        </p>
        <Facts
          of={[
            ["New", count(one.created)],
            ["Changed", count(one.updated)],
            ["As before", count(one.unchanged)],
            ["Bad cells", count(one.errorCount)],
            ["Stock", one.inventory === "set" ? "set from the file" : "of new variants only"],
            ["Sent", <Time key="sent" at={one.createdAt} exact />],
            ["Took", took],
          ]}
        />
      </div>
    </Panel>
  );
}

function Errors({ of: one }: { of: Import }) {
  return (
    <Panel
      title="What was wrong"
      note={
        one.errorCount > one.errors.length
          ? `the first ${count(one.errors.length)} of ${count(one.errorCount)}`
          : undefined
      }
    >
      {one.errors.length === 0 ? (
        <Empty icon="check" title="Nothing so far" />
      ) : (
        <Table
          caption="Bad cells"
          rows={one.errors}
          keyOf={error => `${error.row} ${error.column} ${error.message}`}
          columns={[
            { title: "Row", cell: error => `Row ${error.row}` },
            { title: "Column", cell: error => error.column },
            { title: "What", cell: error => error.message },
          ]}
        />
      )}
    </Panel>
  );
}
