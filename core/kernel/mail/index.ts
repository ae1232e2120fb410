export * as Mail from "./index.js";

import { deliverableEmail } from "../email.js";

/** A mail to one person. */
export interface Message {
  /** The id of the job that sends the message: a message that is sent twice has the same id. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** Hands a message to a provider. @throws when the provider did not accept it */
export type Mailer = (message: Message) => Promise<void>;

let mailer: Mailer | undefined;

/** Set by the entry that sends mail, because the domain knows no provider. */
export const setMailer = (chosen: Mailer) => {
  mailer = chosen;
};

/** A subject is one line: line breaks would begin another header. */
const oneLine = (text: string) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();

/**
 * Hands a message to the provider.
 * @returns false when no mail can reach the address, because its part before the @ is not ASCII
 * @throws Error where no provider was chosen, or when the provider did not accept the message
 */
export async function send(message: Message): Promise<boolean> {
  if (!mailer) throw new Error("No mail provider is set: call setMailer() at start.");
  const to = deliverableEmail(message.to);
  if (to === undefined) return false;
  await mailer({ ...message, to, subject: oneLine(message.subject) });
  return true;
}
