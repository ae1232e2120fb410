import { config } from "../core/kernel/config.js";
import { type Mailer, type Message, setMailer } from "../core/kernel/mail/index.js";
import { setBrakeReport } from "../core/mail/index.js";
import { count } from "./log.js";

/** Chooses the provider that the environment names, and counts what the brake holds back. */
export function useMailer(): void {
  setMailer((message) => (config.MAIL_PROVIDER === "ses" ? ses : mailbox)(message));
  setBrakeReport(() => count("MailsHeldBack"));
}

/** A provider that does not answer costs its own job some seconds, and not the batch its time. */
const options = {
  maxAttempts: 2,
  requestHandler: { requestTimeout: 4_000, connectionTimeout: 1_000, throwOnRequestTimeout: true },
};

/** Amazon SES. The SDK is loaded with the first mail: the other jobs do without it. */
const ses: Mailer = async ({ id, to, subject, text, html }) => {
  const { SESv2Client, SendEmailCommand } = await import("@aws-sdk/client-sesv2");
  const utf8 = (Data: string) => ({ Data, Charset: "UTF-8" });
  await new SESv2Client(options).send(
    new SendEmailCommand({
      FromEmailAddress: config.MAIL_FROM,
      Destination: { ToAddresses: [to] },
      Content: {
        Simple: {
          Subject: utf8(subject),
          Body: { Text: utf8(text), Html: utf8(html) },
          // The same for a message that is sent twice, so that a mail program shows it once.
          Headers: [{ Name: "X-Entity-Ref-ID", Value: id }],
        },
      },
    }),
  );
};

/** The mailbox of the local host. */
const mailbox: Mailer = async ({ id, ...message }: Message) => {
  const response = await fetch(config.MAILBOX_URL ?? "", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...message, from: config.MAIL_FROM, messageId: id }),
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`The mailbox answered ${response.status}.`);
};
