/** Dead letters: what could not be done, grouped by the error that it died of. */
import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { SelectField } from "../../parts/field.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty } from "../../parts/state.tsx";
import { ListTable, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { withQuery } from "../../state/api.ts";
import { count } from "../../state/format.ts";
import { type Page as ListPage, useList } from "../../state/query.ts";
import { place, setQuery } from "../../state/router.ts";
import { useSignal } from "../../state/signal.ts";
import type { Letter, LetterGroup } from "../../state/wire.ts";
import { Canaries } from "./canaries.tsx";
import { GroupActions } from "./group-actions.tsx";

type DeadPage = ListPage<Letter> & { groups: LetterGroup[] };

export function DeadView() {
  const { query } = useSignal(place);
  const [kind, fingerprint, key, status] = ["kind", "fingerprint", "key", "status"].map(
    name => query.get(name) ?? "",
  ) as [string, string, string, string];
  const letters = useList<Letter, DeadPage>(
    withQuery("/ops/dead", { kind, fingerprint, key, status, limit: 50 }),
  );
  const groups = letters.data?.groups ?? [];
  const isFiltered = Boolean(kind || fingerprint || key || status);
  return (
    <Page
      title="Dead letters"
      actions={
        <Button icon="refresh" onPress={letters.reload}>
          Refresh
        </Button>
      }
    >
      {groups.length > 0 && <Groups groups={groups} chosen={fingerprint} onDone={letters.reload} />}
      <Canaries onMoved={letters.reload} />
      <Panel
        title={fingerprint ? "Letters of this error" : "Letters"}
        actions={isFiltered && <Link to="/dead">Show all</Link>}
      >
        <div class="filters">
          <SelectField
            label="Kind"
            value={kind}
            onValue={value => setQuery("kind", value)}
            options={[
              ["", "all kinds"],
              ...[...new Set([...groups.map(one => one.kind), ...(kind ? [kind] : [])])].map(
                one => [one, one] as const,
              ),
            ]}
          />
          <SelectField
            label="Status"
            value={status}
            onValue={value => setQuery("status", value)}
            options={[
              ["", "open"],
              ["replayed", "replayed"],
              ["discarded", "discarded"],
            ]}
          />
        </div>
        <ListTable<Letter>
          caption="Dead letters, latest first"
          listing={letters}
          keyOf={letter => letter.id}
          empty={
            <Empty icon="check" title={isFiltered ? "None here" : "No dead letters"}>
              {isFiltered
                ? "No letter fits these filters."
                : "Every job that ended was done, discarded or cancelled."}
            </Empty>
          }
          columns={[
            {
              title: "Letter",
              cell: letter => (
                <Link to={`/dead/${encodeURIComponent(letter.id)}`}>
                  <span class="kind-name">{letter.kind}</span>
                  <span class="hidden-text"> {letter.id}</span>
                </Link>
              ),
            },
            { title: "Error", class: "clip", cell: letter => letter.error },
            { title: "Key", class: "clip", cell: letter => letter.key },
            { title: "Tries", number: true, cell: letter => String(letter.attempts) },
            { title: "Died", cell: letter => <Time at={letter.diedAt} /> },
            { title: "Status", cell: letter => <Status of={letter.status} /> },
          ]}
        />
      </Panel>
    </Page>
  );
}

type GroupsProps = { groups: LetterGroup[]; chosen: string; onDone: () => void };

function Groups({ groups, chosen, onDone }: GroupsProps) {
  return (
    <Panel title="By error" note={`${count(groups.reduce((sum, one) => sum + one.count, 0))} open`}>
      <Table
        caption="Open dead letters by error"
        rows={groups}
        keyOf={group => `${group.fingerprint} ${group.kind}`}
        columns={[
          {
            title: "Error",
            cell: group => (
              <Link
                to={`/dead?fingerprint=${encodeURIComponent(group.fingerprint)}`}
                current={group.fingerprint === chosen}
              >
                {group.error}
              </Link>
            ),
          },
          { title: "Kind", cell: group => <span class="kind-name">{group.kind}</span> },
          { title: "Letters", number: true, cell: group => count(group.count) },
          { title: "First", cell: group => <Time at={group.firstDiedAt} /> },
          { title: "Last", cell: group => <Time at={group.lastDiedAt} /> },
          {
            title: "Actions",
            unnamed: true,
            class: "nowrap number",
            cell: group => <GroupActions group={group} onDone={onDone} />,
          },
        ]}
      />
    </Panel>
  );
}
