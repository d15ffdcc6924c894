/**
 * Mails to buyers and merchants. Owns `notifications.mail`: one row per mail, keyed (event, template, recipient) and claimed
 * before it is sent; `notifications.merchant`: where a store's own mails go. Templates read what they tell through other
 * modules' doors when the mail is sent, so that no queue holds an address.
 *
 * Always holds: a mail that was noted as sent is not sent again; what SMTP refuses for good is not tried again; values
 * are escaped in HTML, and no value of a mail can begin a header (message.ts); a letter is written
 * only by who holds its claim.
 */

export { eraseMails } from "./erase.ts";
export { createMailer, type Mailer, MailRefused } from "./mailer.ts";
export { getMerchantEmail, setMerchantEmail } from "./merchant.ts";
export { confirmationOf, type Mail, type MailRequest, type MailResult, type TemplateName } from "./model.ts";
export { type MailDeps, sendMail } from "./service.ts";
