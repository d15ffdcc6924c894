/** Mails that the embedded SMTP server caught. */
import { Button } from "../../parts/button.tsx";
import { Link } from "../../parts/link.tsx";
import { Page } from "../../parts/page.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Empty } from "../../parts/state.tsx";
import { ListTable } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { useList } from "../../state/query.ts";
import type { MailSummary } from "../../state/wire.ts";

export function MailboxView() {
  const mails = useList<MailSummary>("/ops/mailbox?limit=50");
  return (
    <Page
      title="Mailbox"
      actions={
        <Button icon="refresh" onPress={mails.reload}>
          Refresh
        </Button>
      }
    >
      <Panel>
        {mails.error?.code === "no_mailbox" ? (
          <Empty icon="mail" title="Mails really go out">
            A mail server is configured (SMTP_URL), so nothing is caught here.
          </Empty>
        ) : (
          <ListTable<MailSummary>
            caption="Caught mails, latest first"
            listing={mails}
            keyOf={mail => mail.id}
            empty={
              <Empty icon="mail" title="No mail yet">
                An order's confirmation lands here a moment after its checkout.
              </Empty>
            }
            columns={[
              {
                title: "Subject",
                cell: mail => <Link to={`/mailbox/${mail.id}`}>{mail.subject || "(no subject)"}</Link>,
              },
              { title: "To", class: "clip", cell: mail => mail.to.join(", ") },
              { title: "From", class: "clip", cell: mail => mail.from },
              { title: "Received", cell: mail => <Time at={mail.receivedAt} /> },
            ]}
          />
        )}
      </Panel>
    </Page>
  );
}
