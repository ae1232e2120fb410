/** The interval of a recurring price. */
export interface Interval {
  readonly interval: string;
  readonly interval_count: number;
}

/** Unix seconds; the end is the start of the next period. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

export const day = 86_400;
const lengths: Record<string, number> = { day, week: 7 * day, month: 30.436875 * day, year: 365.2425 * day };
const lengthOf = ({ interval, interval_count }: Interval) => (lengths[interval] ?? day) * interval_count;

/**
 * Where the cycle is `count` intervals after its anchor. A month that lacks the anchor's day ends the period on its
 * last day; the next one is on the anchor's day again. @see https://docs.stripe.com/billing/subscriptions/billing-cycle
 */
export function boundary(anchor: number, { interval, interval_count }: Interval, count: number): number {
  const steps = count * interval_count;
  if (interval === "day" || interval === "week") return anchor + steps * lengthOf({ interval, interval_count: 1 });
  const from = new Date(anchor * 1000);
  const [year, month] = [from.getUTCFullYear(), from.getUTCMonth() + (interval === "year" ? steps * 12 : steps)];
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const date = Date.UTC(year, month, Math.min(from.getUTCDate(), last));
  return (date + (from.getTime() % 86_400_000)) / 1000;
}

/** The period of the cycle that holds `at`. */
export function periodAt(anchor: number, interval: Interval, at: number): Period {
  let count = Math.floor((at - anchor) / lengthOf(interval));
  while (boundary(anchor, interval, count) > at) count -= 1;
  while (boundary(anchor, interval, count + 1) <= at) count += 1;
  return { start: boundary(anchor, interval, count), end: boundary(anchor, interval, count + 1) };
}

/** The share of `amount` for the time from `at` to the end of `period`, prorated by the second. */
export function remaining(amount: number, { start, end }: Period, at: number): number {
  if (end <= start) return 0;
  return Math.round((amount * Math.max(0, end - Math.max(at, start))) / (end - start));
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `23 Nov 2026`, the format of invoice lines. */
export function dateText(at: number): string {
  const date = new Date(at * 1000);
  return `${String(date.getUTCDate()).padStart(2, "0")} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}
