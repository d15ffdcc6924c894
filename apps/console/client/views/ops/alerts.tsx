/** What is wrong with the cluster, and what was. */
import { SelectField } from "../../parts/field.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty, Shown } from "../../parts/state.tsx";
import { withQuery } from "../../state/api.ts";
import { type Page as ListPage, useRead } from "../../state/query.ts";
import { place, setQuery } from "../../state/router.ts";
import { useSignal } from "../../state/signal.ts";
import type { Alert } from "../../state/wire.ts";
import { AlertList } from "./alert-list.tsx";

const LOOK_AGAIN_MS = 5_000;
const LIMIT = 100;

export function AlertsView() {
  const { query } = useSignal(place);
  const state = query.get("state") ?? "";
  const alerts = useRead<ListPage<Alert>>(withQuery("/ops/alerts", { state, limit: LIMIT }), {
    everyMs: LOOK_AGAIN_MS,
  });
  return (
    <Page title="Alerts">
      <Panel>
        <div class="filters">
          <SelectField
            label="State"
            value={state}
            onValue={value => setQuery("state", value)}
            options={[
              ["", "all"],
              ["firing", "firing"],
              ["pending", "pending: not for long enough yet"],
              ["resolved", "resolved"],
            ]}
          />
        </div>
        <div aria-live="polite">
          <Shown reading={alerts}>
            {({ items }) =>
              items.length === 0 ? (
                <Empty icon="check" title={state === "firing" || state === "" ? "All is well" : "None"}>
                  The rules look at backlog, errors, dead letters, latency, saturation and replicas.
                </Empty>
              ) : (
                <AlertList alerts={items} />
              )
            }
          </Shown>
        </div>
      </Panel>
    </Page>
  );
}
