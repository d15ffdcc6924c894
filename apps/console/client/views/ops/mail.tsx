/** One caught mail. Its HTML is shown in a frame that may run and load nothing. */
import { useState } from "preact/hooks";
import { Page } from "../../parts/page.tsx";
import { Facts, Panel } from "../../parts/panel.tsx";
import { Shown } from "../../parts/state.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { Time } from "../../parts/time.tsx";
import { useRead } from "../../state/query.ts";
import type { Mail } from "../../state/wire.ts";

export function MailView({ id }: { id: string }) {
  const mail = useRead<Mail>(`/ops/mailbox/${encodeURIComponent(id)}`);
  return (
    <Page title={mail.data?.subject || "Mail"} up={{ to: "/mailbox", title: "Mailbox" }}>
      <Shown reading={mail}>
        {one => (
          <>
            <Panel padded>
              <Facts
                of={[
                  ["From", one.from],
                  ["To", one.to.join(", ")],
                  ["Received", <Time key="at" at={one.receivedAt} exact />],
                  ["Message id", <code key="id">{one.messageId}</code>],
                ]}
              />
            </Panel>
            <Body mail={one} />
          </>
        )}
      </Shown>
    </Page>
  );
}

type Part = "html" | "text" | "headers";

function Body({ mail }: { mail: Mail }) {
  const parts: [Part, string][] = [
    ...(mail.html ? [["html", "Preview"] as [Part, string]] : []),
    ["text", "Text"],
    ["headers", "Headers"],
  ];
  const [part, setPart] = useState<Part>(parts[0]![0]);
  return (
    <section class="panel" aria-label="Content of the mail">
      <Tabs name="mail" tabs={parts} chosen={part} choose={setPart}>
        {part === "html" && (
          <iframe
            class="mail-frame"
            title="Preview of the mail"
            sandbox=""
            referrerpolicy="no-referrer"
            src={`/console/mail/${mail.id}`}
          />
        )}
        {part === "text" && (
          <div class="panel-body">
            <pre class="code-block">{mail.text || "This mail has no plain text."}</pre>
          </div>
        )}
        {part === "headers" && (
          <div class="panel-body">
            <Facts
              of={mail.headers.map(one => [one.name, <code key={one.name}>{one.value}</code>] as const)}
            />
          </div>
        )}
      </Tabs>
    </section>
  );
}
