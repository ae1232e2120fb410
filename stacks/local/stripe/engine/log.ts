import type { Clock } from "../../lambda/clock.js";
import type { FaultKind } from "./chaos.js";
import { decodeForm, type Raw } from "./form.js";
import { createKinds } from "./kind.js";

/** A logged request to the API. */
export interface Logged {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly account: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** The `User-Agent`. */
  readonly agent: string | undefined;
  readonly params: Raw;
  /** Unix milliseconds of the local clock. */
  readonly at: number;
  /** 0 without an answer. */
  status: number;
  replayed?: true;
  fault?: FaultKind;
}

interface Entry extends Omit<Logged, "params"> {
  readonly form: string;
}

const most = 100_000;

/** The last 100,000 requests; their forms are decoded on access. */
export function createLog(clock: Clock) {
  let entries: Entry[] = [];
  const kinds = createKinds();
  const params = (form: string) => {
    try {
      return decodeForm(form);
    } catch {
      return {};
    }
  };
  return {
    add(entry: Omit<Entry, "at" | "status">): Entry {
      const logged: Entry = { ...entry, at: clock.now(), status: 0 };
      kinds.add(entry.method, entry.path, entry.form, entry.agent);
      if (entries.push(logged) > 2 * most) entries = entries.slice(-most);
      return logged;
    },
    list: (): Logged[] => entries.slice(-most).map(({ form, ...entry }) => ({ ...entry, params: params(form) })),
    kinds: kinds.list,
    size: () => Math.min(entries.length, most),
    clear() {
      entries = [];
    },
  };
}
export type Log = ReturnType<typeof createLog>;
