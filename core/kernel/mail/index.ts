export * as Mail from "./index.js";

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

/** @throws Error where no provider was chosen */
export async function send(message: Message): Promise<void> {
  if (!mailer) throw new Error("No mail provider is set: call setMailer() at start.");
  await mailer(message);
}
