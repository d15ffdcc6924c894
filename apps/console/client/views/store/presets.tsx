/** The sizes that pictures are made in, and how far the store's pictures are in line with them. */
import { useState } from "preact/hooks";
import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { confirm } from "../../parts/dialog.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty, Shown } from "../../parts/state.tsx";
import { Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import { count } from "../../state/format.ts";
import { useRead } from "../../state/query.ts";
import { mayOperate } from "../../state/session.ts";
import type { Preset, Presets } from "../../state/wire.ts";
import { PresetDialog } from "./preset-dialog.tsx";

const LOOK_AGAIN_MS = 2_000;

export function PresetsView() {
  const presets = useRead<Presets>("/admin/media/presets", { everyMs: LOOK_AGAIN_MS });
  const [adding, setAdding] = useState(false);
  return (
    <Page
      title="Sizes"
      up={{ to: "/media", title: "Media" }}
      actions={
        <Button tone="primary" disabled={!mayOperate("store")} onPress={() => setAdding(true)}>
          Declare a size…
        </Button>
      }
    >
      <p class="muted">
        Every picture is made 300, 800 and 1920 pixels wide. Sizes that are declared here come on top, for
        pictures that are there already too.
      </p>
      <Shown reading={presets}>
        {({ items, backfill }) => (
          <div class="stack">
            {backfill && <Backfill of={backfill} />}
            <Panel title="Declared sizes">
              <List items={items} onChange={presets.reload} />
            </Panel>
          </div>
        )}
      </Shown>
      {adding && <PresetDialog onDone={presets.reload} onClose={() => setAdding(false)} />}
    </Page>
  );
}

function List({ items, onChange }: { items: readonly Preset[]; onChange: () => void }) {
  if (items.length === 0) {
    return (
      <Empty icon="media" title="No sizes of your own">
        Declare one, such as a square for a list of products.
      </Empty>
    );
  }
  return (
    <Table
      caption="Declared sizes"
      rows={items}
      keyOf={one => one.name}
      columns={[
        { title: "Name", cell: one => <code>{one.name}</code> },
        { title: "Box", number: true, cell: one => `${one.width} × ${one.height}` },
        { title: "Fills it", cell: one => (one.crop ? "yes, cut to it" : "no, fits into it") },
        {
          title: "Actions",
          unnamed: true,
          class: "nowrap number",
          cell: one => <Remove preset={one} onDone={onChange} />,
        },
      ]}
    />
  );
}

function Remove({ preset: { name }, onDone }: { preset: Preset; onDone: () => void }) {
  const remove = () =>
    confirm({
      title: `Remove the size ${name}?`,
      text: <p>Its variants of all pictures are deleted. Pages that ask for it find nothing.</p>,
      action: "Remove",
      danger: true,
      run: async () => {
        await ask(`/admin/media/presets/${name}`, { method: "DELETE" });
        tell(`The size ${name} is removed.`);
        onDone();
      },
    });
  return (
    <Button small disabled={!mayOperate("store")} onPress={remove}>
      Remove<span class="hidden-text"> {name}</span>
    </Button>
  );
}

function Backfill({ of }: { of: NonNullable<Presets["backfill"]> }) {
  const { status, done, total, converting, requestedAt } = of;
  const isOver = status === "done" && converting === 0;
  const note = isOver
    ? `All ${count(total)} pictures are in line with the sizes.`
    : `${count(done)} of ${count(total)} pictures were looked at, ${count(converting)} are being made.`;
  return (
    <Panel title="Bringing pictures in line" note={<Time at={requestedAt} />} padded>
      <p class="row">
        <Status of={isOver ? "done" : status === "queued" ? "queued" : "running"} />
        <span role="status">{note}</span>
      </p>
      {!isOver && (
        <progress
          class="bar"
          max={Math.max(1, total)}
          value={status === "done" ? Math.max(0, total - converting) : 0}
          aria-label="Pictures in line with the sizes"
        />
      )}
    </Panel>
  );
}
