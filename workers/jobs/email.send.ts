/**
 * Sends one mail, or the confirmations of many orders. What makes a mail one, and when it could be two, is told in
 * commerce/notifications/service.ts: a job that is tried again sends what is not sent yet.
 */
import {
  discard,
  done,
  emailSend,
  enqueueAlone,
  fail,
  type JobOf,
  type Outcome,
  type Payload,
  snooze,
} from "../../bus/index.ts";
import {
  confirmationOf,
  createMailer,
  type Mailer,
  type MailRequest,
  type MailResult,
  sendMail,
} from "../../commerce/notifications/index.ts";
import { required } from "../../platform/config.ts";
import { limited } from "../../platform/limited.ts";
import { defineJob, type WorkerDeps } from "../handler.ts";

/** Mails of a process that are claimed and not out yet: so few that each leaves long before its claim ends. */
const AT_ONCE = 64;

type Request = Omit<MailRequest, "storeId">;

export const emailSendJob = defineJob(emailSend, ({ sql, config }) => {
  // Made for the first mail: a process that sends none needs no SMTP.
  let mailer: Mailer | undefined;
  const { passwordResetUrl } = config;
  const open = () => createMailer({ smtpUrl: required(config, "smtpUrl"), from: config.mailFrom });
  const inTurn = limited(AT_ONCE);

  function send(storeId: string, request: Request, signal: AbortSignal): Promise<MailResult> {
    return inTurn(() => {
      signal.throwIfAborted();
      mailer ??= open();
      return sendMail({ sql, mailer, passwordResetUrl }, { storeId, ...request }, signal);
    });
  }

  return {
    async run(job, { signal, isLimited }) {
      const requests = requestsOf(job.payload);
      if (isLimited && requests.length > 1) return dealOut(sql, job, requests);
      const ended = await Promise.allSettled(requests.map(request => send(job.storeId, request, signal)));
      // First what another try may mend; who was written to is not written to again by it.
      for (const one of ended) if (one.status === "rejected") throw one.reason;
      const results = ended.map(one => (one as PromiseFulfilledResult<MailResult>).value);
      return outcomeOf(requests, results);
    },
    close: async () => mailer?.close(),
  };
});

function requestsOf(payload: Payload<typeof emailSend>): Request[] {
  return "orderIds" in payload ? payload.orderIds.map(confirmationOf) : [payload];
}

/**
 * A job for each mail, because a rate limit counts jobs and means mails. Who dies at it deals them out again; what two jobs name is one
 * mail.
 */
async function dealOut(
  sql: WorkerDeps["sql"],
  { storeId, traceparent }: JobOf<typeof emailSend>,
  requests: readonly Request[],
): Promise<Outcome> {
  const jobs = requests.map(payload => ({ contract: emailSend, payload, storeId, traceparent }));
  await Promise.all(jobs.map(job => enqueueAlone(sql, job)));
  return done();
}

function outcomeOf(requests: readonly Request[], results: readonly MailResult[]): Outcome {
  const waits = results.flatMap(one => (one.outcome === "claimed_elsewhere" ? [one.freeInMs] : []));
  // Somebody is at it, or died at it: no fault of this try.
  if (waits.length > 0) return snooze({ afterMs: Math.max(...waits) });
  const refused = results.flatMap((one, i) =>
    one.outcome === "refused"
      ? [results.length > 1 ? `${requests[i]!.subjectId}: ${one.error}` : one.error]
      : [],
  );
  if (refused.length > 0) return fail({ error: refused.join("; ") });
  if (results.every(one => one.outcome === "no_recipient"))
    return discard({ reason: "there is nobody to write to" });
  if (results.every(one => one.outcome === "no_subject"))
    return discard({ reason: "what it is about does not exist (any more)" });
  return done();
}
