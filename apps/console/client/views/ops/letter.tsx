/** One dead letter: why it died, and the way back into life, with a corrected payload if need be. */
import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Copyable } from "../../parts/copy.tsx";
import { confirm } from "../../parts/dialog.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Shown } from "../../parts/state.tsx";
import { Time } from "../../parts/time.tsx";
import { tell } from "../../parts/toast.tsx";
import { ask } from "../../state/api.ts";
import { words } from "../../state/format.ts";
import { useRead } from "../../state/query.ts";
import { mayOperate } from "../../state/session.ts";
import type { Letter } from "../../state/wire.ts";
import { PayloadEditor } from "./payload-editor.tsx";
import { TryList } from "./try-list.tsx";

export function LetterView({ id }: { id: string }) {
  const path = `/ops/dead/${encodeURIComponent(id)}`;
  const letter = useRead<Letter>(path);
  const operate = mayOperate("ops");
  const discard = () =>
    confirm({
      title: "Discard this dead letter?",
      text: <p>It is kept for the record and never runs again.</p>,
      action: "Discard",
      danger: true,
      reason: { label: "Reason", required: true },
      run: async reason => {
        await ask(path, { method: "DELETE", query: { note: reason } });
        tell("Discarded.");
        letter.reload();
      },
    });
  const isOpen = letter.data?.status === "open";
  return (
    <Page
      title={letter.data?.kind ?? "Dead letter"}
      up={{ to: "/dead", title: "Dead letters" }}
      beside={letter.data && <Status of={letter.data.status} />}
      actions={
        isOpen && (
          <Button tone="danger" disabled={!operate} onPress={discard}>
            Discard…
          </Button>
        )
      }
    >
      <Shown reading={letter}>{one => <Shape letter={one} reload={letter.reload} />}</Shown>
    </Page>
  );
}

function Shape({ letter, reload }: { letter: Letter; reload: () => void }) {
  const isOpen = letter.status === "open";
  return (
    <div class="grid-main">
      <div class="stack">
        <Panel title="Error" padded>
          <div class="stack">
            <p>
              <strong>{letter.error}</strong>
            </p>
            {letter.stack && <pre class="code-block">{letter.stack}</pre>}
          </div>
        </Panel>
        <Panel title="Payload" padded>
          {isOpen ? (
            <PayloadEditor letter={letter} onReplayed={reload} />
          ) : (
            <pre class="code-block">{JSON.stringify(letter.payload, null, 2)}</pre>
          )}
        </Panel>
        {letter.tries && letter.tries.length > 0 && (
          <Panel title="Tries" padded>
            <ol class="timeline">
              <TryList tries={letter.tries} />
            </ol>
          </Panel>
        )}
      </div>
      <Panel title="About" padded>
        <About letter={letter} />
      </Panel>
    </div>
  );
}

function About({ letter }: { letter: Letter }) {
  return (
    <Facts
      of={[
        ["Letter", <Copyable key="id" value={letter.id} what="letter's id" />],
        ["Job", letter.jobId && <Link to={`/jobs/${letter.jobId}`}>{letter.jobId}</Link>],
        ["Key", letter.key && <Link to={`/jobs?key=${encodeURIComponent(letter.key)}`}>{letter.key}</Link>],
        ["Store", letter.storeId === "-" ? "none" : letter.storeId],
        ["Reason", words(letter.reason)],
        ["Tries", String(letter.attempts)],
        ["Died", <Time key="died" at={letter.diedAt} exact />],
        [
          "Same error",
          <Link key="same" to={`/dead?fingerprint=${encodeURIComponent(letter.fingerprint)}`}>
            the group
          </Link>,
        ],
        [
          "Trace",
          letter.traceparent && (
            <Copyable
              key="trace"
              value={letter.traceparent.split("-")[1] ?? letter.traceparent}
              what="trace id"
            />
          ),
        ],
        ["Settled", letter.settledAt && <Time key="settled" at={letter.settledAt} exact />],
        ["Note", letter.settledNote],
        [
          "Replayed as",
          letter.replayedAs && <Link to={`/jobs/${letter.replayedAs}`}>{letter.replayedAs}</Link>,
        ],
      ]}
    />
  );
}
