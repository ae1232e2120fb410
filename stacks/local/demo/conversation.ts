import { type DemoSettings, readSettings } from "./settings.js";

// biome-ignore lint/suspicious/noExplicitAny: the answers of all operations
export type Answer = any;
type Headers = Record<string, string>;

const WIDTH = 110;
const cut = (text: string) => (text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text);

/** A value in short: without empty members, and without the ends of ids and tokens. */
const brief = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    inner === null || (Array.isArray(inner) && inner.length === 0) ? undefined : inner,
  )
    .replace(/"(\w+)":/g, "$1: ")
    .replace(/([a-z]{3}_[0-9a-z]{4})[0-9a-z]{22}/g, "$1…")
    .replace(/"[\w.~-]{40,}"/g, '"…"')
    .replace(/,(?=\S)/g, ", ");

export const money = ({ amount, currency }: { amount: number; currency: string }): string => {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
};

/** Requests to the API of this machine, each printed in short with its answer. */
export class Conversation {
  constructor(readonly settings: DemoSettings) {}

  /** @throws Error with what the API says */
  async ask(method: string, path: string, credential: string, body?: unknown, headers: Headers = {}): Promise<Answer> {
    console.log(cut(`→ ${method} ${brief(path).slice(1, -1)}${body === undefined ? "" : ` ${brief(body)}`}`));
    const response = await fetch(this.settings.URL + path, {
      method,
      headers: {
        ...(credential && { authorization: `Bearer ${credential}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new Error(`Nothing answers at ${this.settings.URL}: run \`npm start\` in another terminal first.`);
    });
    const answer: Answer = await response.json();
    console.log(cut(`← ${response.status} ${brief(answer)}`));
    if (response.ok) return answer;
    const faults: string[] = (answer.errors ?? []).map(({ detail }: { detail: string }) => detail);
    throw new Error([answer.detail, ...faults].join(" "));
  }
}

/** Runs a demo command; a failure is one line. */
export async function converse(run: (conversation: Conversation) => Promise<void>): Promise<void> {
  try {
    await run(new Conversation(readSettings()));
  } catch (error) {
    console.error(`\n${(error as Error).message}`);
    process.exitCode = 1;
  }
}
