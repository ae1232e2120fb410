export * as Mail from "./index.js";

/** A mail to one person. */
export interface Message {
  /** Of the job that sends it: the same message sent twice has the same id. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** Hands a message to a provider. @throws when it was not taken */
export type Mailer = (message: Message) => Promise<void>;

let mailer: Mailer | undefined;

/** Set by the entry that sends mail, because the domain knows no provider. */
export const setMailer = (chosen: Mailer) => {
  mailer = chosen;
};

/** @throws Error where no provider was chosen */
export async function send(message: Message): Promise<void> {
  if (!mailer) throw new Error("No mail provider is set: call setMailer() at start.");
  await mailer(message);
}
