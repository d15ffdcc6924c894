/** The stores of the deployment, and what each may keep. */
import { useState } from "preact/hooks";
import { Button } from "../../parts/button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/field.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty } from "../../parts/state.tsx";
import { StoreName } from "../../parts/store-name.tsx";
import { ListTable } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import { bytes, count } from "../../state/format.ts";
import { useList } from "../../state/query.ts";
import { mayOperate } from "../../state/session.ts";
import type { StoreWithUsage } from "../../state/wire.ts";

export function StoresView() {
  const stores = useList<StoreWithUsage>("/ops/stores");
  const [chosen, setChosen] = useState<StoreWithUsage>();
  const operate = mayOperate("ops");
  return (
    <Page title="Stores">
      <Panel>
        <ListTable<StoreWithUsage>
          caption="Stores"
          listing={stores}
          keyOf={one => one.id}
          empty={<Empty icon="products" title="No stores" />}
          columns={[
            { title: "Store", cell: one => <StoreName store={one} /> },
            { title: "Currency", cell: one => one.currency },
            { title: "Since", cell: one => <Time at={one.createdAt} /> },
            { title: "Pictures", number: true, cell: one => count(one.media.assets) },
            { title: "Originals", number: true, cell: one => bytes(one.media.bytes) },
            {
              title: "May take",
              number: true,
              cell: ({ media }) => `${bytes(media.maxBytes)}${media.isOwn ? "" : " (default)"}`,
            },
            {
              title: "Actions",
              unnamed: true,
              class: "nowrap number",
              cell: one => (
                <Button small disabled={!operate} onPress={() => setChosen(one)}>
                  Quota…<span class="hidden-text"> of {one.name}</span>
                </Button>
              ),
            },
          ]}
        />
      </Panel>
      {chosen && <QuotaDialog store={chosen} onDone={stores.reload} onClose={() => setChosen(undefined)} />}
    </Page>
  );
}

const GB = 1_000_000_000;
const MAX_GB = 1_000_000;

type QuotaProps = { store: StoreWithUsage; onDone: () => void; onClose: () => void };

function QuotaDialog({ store: { id, name, media }, onDone, onClose }: QuotaProps) {
  const [text, setText] = useState(media.isOwn ? String(media.maxBytes / GB) : "");
  const isNumber = /^\d+(\.\d+)?$/.test(text) && Number(text) <= MAX_GB;
  const fault = text === "" || isNumber ? null : `A number of GB up to ${count(MAX_GB)}, or nothing.`;
  const least = isNumber && Number(text) * GB < media.bytes;
  const submit = async () => {
    if (fault) throw new Error(fault);
    const maxBytes = text === "" ? null : Math.round(Number(text) * GB);
    await ask(`/ops/stores/${encodeURIComponent(id)}/media-quota`, { method: "PUT", json: { maxBytes } });
    tell(text === "" ? `${name} has the deployment's quota.` : `${name} may keep ${text} GB.`);
    onDone();
  };
  return (
    <Dialog title={`Quota of ${name}`} action="Save" danger={least} onSubmit={submit} onClose={onClose}>
      <TextField
        label="What the originals of its pictures may take, in GB"
        value={text}
        onValue={setText}
        fault={fault}
        hint={
          least
            ? "Less than it has: uploads are refused until enough is deleted."
            : "Nothing: what the deployment's setting says."
        }
      />
    </Dialog>
  );
}
