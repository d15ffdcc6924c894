/** Product files: send one, and watch how far each is. */
import { useState } from "preact/hooks";
import { Status } from "../../parts/badge.tsx";
import { Drop } from "../../parts/drop.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty } from "../../parts/state.tsx";
import { ListTable } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { tell } from "../../parts/toast.tsx";
import { count } from "../../state/format.ts";
import { useList } from "../../state/query.ts";
import { go } from "../../state/router.ts";
import { mayOperate } from "../../state/session.ts";
import { send } from "../../state/upload.ts";
import type { Import } from "../../state/wire.ts";

export function ImportsView() {
  const imports = useList<Import>("/admin/imports?limit=50");
  const [inventory, setInventory] = useState<"new" | "set">("new");
  const [part, setPart] = useState<number | null>(null);
  const operate = mayOperate("store");
  const upload = async ([file]: File[]) => {
    setPart(0);
    try {
      const { id } = await send(`/admin/imports?inventory=${inventory}`, file!, setPart).done;
      go(`/imports/${id}`);
    } catch (error) {
      tell((error as Error).message, "bad");
      setPart(null);
    }
  };
  return (
    <Page title="Imports">
      <Drop
        title="Drop a product file here"
        action="Choose a file"
        accept=".csv,text/csv"
        disabled={!operate || part !== null}
        onFiles={files => void upload(files)}
      >
        A Shopify product CSV, up to 200 MB.
      </Drop>
      {part !== null && <progress class="bar" max={1} value={part} aria-label="Sending the file" />}
      <Panel title="Stock in the next file" padded>
        <fieldset>
          <legend class="hidden-text">Stock in the next file</legend>
          <label class="choice">
            <input
              type="radio"
              name="inventory"
              checked={inventory === "new"}
              onChange={() => setInventory("new")}
            />
            <span>
              New variants only{" "}
              <span class="muted">– counts of variants that are here already stay as they are</span>
            </span>
          </label>
          <label class="choice">
            <input
              type="radio"
              name="inventory"
              checked={inventory === "set"}
              onChange={() => setInventory("set")}
            />
            <span>
              Set all <span class="muted">– the file's counts take the place of ours</span>
            </span>
          </label>
        </fieldset>
      </Panel>
      <Panel title="Files">
        <ListTable<Import>
          caption="Imports, latest first"
          listing={imports}
          keyOf={one => one.id}
          empty={
            <Empty icon="imports" title="No imports yet">
              Each file that is sent is listed here with what became of it.
            </Empty>
          }
          columns={[
            { title: "File", cell: one => <Link to={`/imports/${one.id}`}>{one.fileName}</Link> },
            { title: "Status", cell: one => <Status of={one.status} /> },
            { title: "Rows", number: true, cell: one => count(one.rows) },
            { title: "Products", number: true, cell: one => count(one.products) },
            {
              title: "Errors",
              number: true,
              cell: one => (one.errorCount > 0 ? <span class="fault">{count(one.errorCount)}</span> : "0"),
            },
            { title: "Sent", cell: one => <Time at={one.createdAt} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}
