/** The search index of each store: when it was made anew, how far that is, and the button for it. */
import { Badge, Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { confirm } from "../../parts/dialog.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty, Shown } from "../../parts/state.tsx";
import { StoreName } from "../../parts/store-name.tsx";
import { ListTable } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { tell } from "../../parts/toast.tsx";
import { ask, withQuery } from "../../state/api.ts";
import { count } from "../../state/format.ts";
import { type Page as ListPage, type Reading, useList, useRead } from "../../state/query.ts";
import { mayOperate } from "../../state/session.ts";
import type { Reindex, StoreWithUsage } from "../../state/wire.ts";

const WHILE_OPEN_MS = 1_500;
const ELSE_MS = 30_000;

export function SearchIndexesView() {
  const stores = useList<StoreWithUsage>("/ops/stores");
  return (
    <Page title="Search indexes">
      <p class="muted">
        An index is made anew beside the one that answers, which goes on answering until the new one has all
        products. It goes on where it stopped if a process or the engine falls meanwhile.
      </p>
      <Panel>
        <ListTable<StoreWithUsage>
          caption="Search indexes by store"
          listing={stores}
          keyOf={one => one.id}
          empty={<Empty icon="products" title="No stores" />}
          columns={[
            { title: "Store", cell: one => <StoreName store={one} /> },
            { title: "Last made anew", cell: one => <Latest store={one} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}

type Builds = Reading<ListPage<Reindex>>;
const isOpen = (one: Reindex | undefined) => one?.status === "queued" || one?.status === "building";

function Latest({ store }: { store: StoreWithUsage }) {
  const path = withQuery("/ops/reindex", { storeId: store.id });
  // What was read last says how soon to look again.
  const slow = useRead<ListPage<Reindex>>(path, { everyMs: ELSE_MS });
  const open = isOpen(slow.data?.items[0]);
  const quick = useRead<ListPage<Reindex>>(open ? path : null, { everyMs: WHILE_OPEN_MS });
  const builds = open && quick.data ? quick : slow;
  return (
    <Shown reading={builds} lines={1}>
      {({ items: [build] }) => (
        <div class="row">
          <State build={build} />
          <Anew store={store} open={isOpen(build)} builds={slow} />
        </div>
      )}
    </Shown>
  );
}

function State({ build }: { build: Reindex | undefined }) {
  if (!build) return <span class="muted">never by hand</span>;
  const { status, done, total, error } = build;
  return (
    <span class="stack-tight" role="status">
      <span class="row">
        {status === "building" ? <Badge tone="info">Building</Badge> : <Status of={status} />}
        {status === "building" ? (
          `${count(done)} of ${count(total)} products`
        ) : (
          <Time at={build.finishedAt ?? build.requestedAt} />
        )}
      </span>
      {status === "building" && (
        <progress class="bar" max={Math.max(1, total)} value={done} aria-label="Products in the new index" />
      )}
      {error && <span class="fault">{error}</span>}
    </span>
  );
}

type AnewProps = { store: StoreWithUsage; open: boolean; builds: Builds };

function Anew({ store: { id, name }, open, builds }: AnewProps) {
  const anew = () =>
    confirm({
      title: `Make the index of ${name} anew?`,
      text: <p>Every product is read and sent to the search engine. Searches go on meanwhile.</p>,
      action: "Make it anew",
      run: async () => {
        builds.put(await ask<ListPage<Reindex>>("/ops/reindex", { method: "POST", json: { storeId: id } }));
        tell(`The search index of ${name} is made anew.`);
      },
    });
  return (
    <Button small disabled={open || !mayOperate("ops")} onPress={anew}>
      Reindex…<span class="hidden-text"> {name}</span>
    </Button>
  );
}
