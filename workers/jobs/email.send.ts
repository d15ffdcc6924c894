/** Sends one mail. What makes it one, and when it could be two, is told in commerce/notifications/service.ts. */
import { discard, done, emailSend, fail, snooze } from "../../bus/index.ts";
import { createMailer, type Mailer, sendMail } from "../../commerce/notifications/index.ts";
import { required } from "../../platform/config.ts";
import { defineJob } from "../handler.ts";

export const emailSendJob = defineJob(emailSend, ({ sql, config }) => {
  // Made for the first mail: a process that sends none needs no SMTP.
  let mailer: Mailer | undefined;
  const { passwordResetUrl } = config;
  const open = () => createMailer({ smtpUrl: required(config, "smtpUrl"), from: config.mailFrom });
  return {
    async run({ storeId, payload }, { signal }) {
      mailer ??= open();
      const result = await sendMail({ sql, mailer, passwordResetUrl }, { storeId, ...payload }, signal);
      switch (result.outcome) {
        case "sent":
        case "sent_before":
          return done();
        case "claimed_elsewhere":
          // Somebody is at it, or died at it: no fault of this try.
          return snooze({ afterMs: result.freeInMs });
        case "no_recipient":
          return discard({ reason: "there is nobody to write to" });
        case "no_subject":
          return discard({ reason: "what it is about does not exist (any more)" });
        case "refused":
          return fail({ error: result.error });
      }
    },
    close: async () => mailer?.close(),
  };
});
