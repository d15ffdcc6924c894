import type { Sql } from "../../platform/postgres/index.ts";

/** Where a page ended: the key of its last row. */
type Place = readonly [eventId: string, template: string, recipient: string];

export type EraseMails = {
  after: Place | null;
  limit: number;
  isTheirs(recipient: string): boolean;
};

/**
 * Deletes what says that mails were sent to somebody. They are not sent again: whoever they were about has no address
 * any more. `next` is null when the page was the last.
 */
export async function eraseMails(
  tx: Sql,
  storeId: string,
  { after, limit, isTheirs }: EraseMails,
): Promise<{ next: Place | null; erased: number }> {
  const from = after
    ? tx`AND (event_id, template, recipient) > (${after[0]}, ${after[1]}, ${after[2]})`
    : tx``;
  const seen = await tx<{ eventId: string; template: string; recipient: string }[]>`
    SELECT event_id AS "eventId", template, recipient FROM notifications.mail
    WHERE store_id = ${storeId} ${from} ORDER BY event_id, template, recipient LIMIT ${limit}`;
  const last = seen.length === limit ? seen.at(-1)! : null;
  const next: Place | null = last && [last.eventId, last.template, last.recipient];
  const theirs = seen.filter(mail => isTheirs(mail.recipient));
  if (theirs.length === 0) return { next, erased: 0 };
  const column = (pick: (mail: (typeof theirs)[number]) => string) => theirs.map(pick);
  await tx`
    DELETE FROM notifications.mail m
    USING unnest(${column(one => one.eventId)}::text[], ${column(one => one.template)}::text[],
                 ${column(one => one.recipient)}::text[]) AS t(event_id, template, recipient)
    WHERE m.store_id = ${storeId} AND m.event_id = t.event_id AND m.template = t.template AND m.recipient = t.recipient`;
  return { next, erased: theirs.length };
}
