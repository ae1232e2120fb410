import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { escapeHtml, layout } from "../page/markup.js";

/** A mail of the provider `local`; further fields are kept. */
export interface Mail {
  readonly id: number;
  readonly receivedAt: string;
  readonly from: string;
  readonly to: string | readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  readonly [field: string]: unknown;
}

/** The mails that the functions sent on this machine, in place of SES. */
export interface Mailbox {
  /** @throws TypeError for missing fields */
  put(mail: unknown): Promise<Mail>;
  /** Newest first. */
  list(): readonly Mail[];
  get(id: number): Mail | undefined;
  clear(): void;
}

const required = ["from", "to", "subject", "text"];

/** Opens the mailbox of a data folder; without a folder the mails end with the host. */
export async function openMailbox(dir?: string): Promise<Mailbox> {
  const file = dir && join(dir, "mail.jsonl");
  const text = file ? await readFile(file, "utf8").catch(() => "") : "";
  const mails = text.split("\n").flatMap((line): Mail[] => {
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // an incomplete line of a killed host
    }
  });
  let last = mails.at(-1)?.id ?? 0;
  return {
    async put(mail) {
      const given = (typeof mail === "object" && mail !== null ? mail : {}) as Record<string, unknown>;
      const missing = required.filter((name) => !given[name]);
      if (missing.length > 0) throw new TypeError(`A mail needs ${missing.join(", ")}.`);
      last += 1;
      const kept = { ...given, id: last, receivedAt: new Date().toISOString() } as Mail;
      mails.push(kept);
      if (file) await appendFile(file, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
      return kept;
    },
    list: () => [...mails].reverse(),
    get: (id) => mails.find((mail) => mail.id === id),
    clear() {
      mails.length = 0;
    },
  };
}

const when = (time: string) => escapeHtml(time.replace("T", " ").slice(0, 19));

/** The page that lists the mails. */
export function mailboxPage(mails: readonly Mail[]): string {
  const rows = mails.map(
    ({ id, receivedAt, to, subject, from }) =>
      `<tr><td>${when(receivedAt)}</td><td>${escapeHtml(String(to))}</td><td>${escapeHtml(from)}</td>
       <td><a href="/_local/mail/${id}">${escapeHtml(subject)}</a></td></tr>`,
  );
  const table = `<table><thead><tr><th>Received<th>To<th>From<th>Subject</thead><tbody>${rows.join("")}</tbody></table>`;
  return layout(
    "Mail",
    rows.length > 0 ? table : `<p class="quiet">No mail yet. A paid order sends its confirmation here.</p>`,
  );
}

/** The page of one mail. Its HTML is shown in a frame without scripts, forms or this page's origin. */
export function mailPage({ id, receivedAt, from, to, subject, text, html, ...rest }: Mail): string {
  const facts = { Received: receivedAt, From: from, To: String(to), ...rest };
  const list = Object.entries(facts).map(
    ([name, value]) =>
      `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(typeof value === "string" ? value : JSON.stringify(value))}</dd>`,
  );
  const frame = html ? `<iframe sandbox title="HTML part of mail ${id}" srcdoc="${escapeHtml(html)}"></iframe>` : "";
  return layout(
    subject,
    `<p><a href="/_local/mail">All mail</a></p><dl>${list.join("")}</dl>${frame}<h2>Text</h2><pre>${escapeHtml(text)}</pre>`,
  );
}
