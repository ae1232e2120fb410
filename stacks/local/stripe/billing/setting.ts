import type { Kind, Store } from "../engine/engine.js";
import { day } from "./period.js";

/** Settings of Stripe's dashboard: "Subscriptions and emails" and "Smart Retries". */
export interface BillingSetting {
  readonly id: string;
  readonly object: "stand_in.billing_setting";
  /** Status of a subscription whose invoice is unpaid after the last retry. */
  readonly after_retries: "past_due" | "unpaid" | "canceled";
  /** Seconds from each failed attempt to the next. */
  readonly retries: readonly number[];
  /** Seconds from `invoice.upcoming` to the renewal. */
  readonly upcoming: number;
  /** Seconds that an invoice of a renewal stays a draft. */
  readonly draft: number;
}

declare module "../engine/engine.js" {
  interface Objects {
    "stand_in.billing_setting": BillingSetting;
  }
}

const id = "setting_billing";
/** Fixed retry times; Stripe's Smart Retries choose their own. */
const usual: BillingSetting = {
  id,
  object: "stand_in.billing_setting",
  after_retries: "past_due",
  retries: [3 * day, 5 * day, 7 * day],
  upcoming: 7 * day,
  draft: 3600,
};

export const settingOf = (store: Store): BillingSetting => store.find("stand_in.billing_setting", id) ?? usual;

const isDays = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((one) => typeof one === "number" && one > 0);

/** Changes the given settings: `after_retries`, `retry_days`, `upcoming_days`, `draft_seconds`. */
export function setSetting(store: Store, input: Record<string, unknown>): BillingSetting {
  const { after_retries: after, retry_days, upcoming_days, draft_seconds } = input;
  const old = settingOf(store);
  return store.put({
    ...old,
    ...((after === "past_due" || after === "unpaid" || after === "canceled") && { after_retries: after }),
    ...(isDays(retry_days) && { retries: retry_days.map((days) => days * day) }),
    ...(typeof upcoming_days === "number" && { upcoming: upcoming_days * day }),
    ...(typeof draft_seconds === "number" && { draft: draft_seconds }),
  });
}

export const settingKind: Kind = { type: "stand_in.billing_setting", prefix: "setting" };
