import { uuidToTypeId } from "../../drizzle/typeid.js";
import type { Till } from "../support/till.js";

/** As much of a fact as its sums take: an entry of a timeline, an event, or a fact of the decision. */
export interface Told {
  type: string;
  paymentId: string;
  amount: number;
  /** The provider's id of a refund. */
  reference: unknown;
}

/** The sums of a payment. */
export interface Sums {
  captured: number;
  refunded: number;
}

/** The names of facts in the timeline, and of the events about them. */
const names = {
  timeline: ["payment_captured", "payment_refunded", "payment_refund_failed"],
  events: ["payment.captured", "payment.refunded", "payment.refund_failed"],
} as const;

/** The sums that a list of facts, the oldest first, makes of nothing. */
export function replay(told: readonly Told[], of: keyof typeof names = "timeline"): Map<string, Sums> {
  const [captured, refunded, failed] = names[of];
  const sums = new Map<string, Sums>();
  const arrived = new Set<string>();
  for (const { type, paymentId, amount, reference } of told) {
    const before = sums.get(paymentId) ?? { captured: 0, refunded: 0 };
    const refund = `${paymentId} ${reference}`;
    // A refund that failed before it had succeeded was never subtracted.
    const back = type === refunded ? amount : type === failed && arrived.has(refund) ? -amount : 0;
    if (type === refunded) arrived.add(refund);
    sums.set(paymentId, {
      captured: before.captured + (type === captured ? amount : 0),
      refunded: before.refunded + back,
    });
  }
  return sums;
}

/** I13: the history of an order, and its events, say what was captured and refunded of each of its payments. */
export async function historyBreaches(till: Till): Promise<string[]> {
  const payments = await till.query(
    "select id::text, captured::int, refunded::int from payment where tenant_id = $1 order by id",
  );
  const told = async (text: string) => (await till.query(text)) as unknown as Told[];
  const columns = `data ->> 'paymentId' as "paymentId", (data -> 'amount' ->> 'amount')::int as amount, data ->> 'reference' as reference`;
  const which = `where tenant_id = $1 and data ? 'paymentId' order by id`;
  const replayed = {
    timeline: replay(await told(`select type, ${columns} from order_timeline ${which}`)),
    events: replay(await told(`select type, ${columns} from event ${which}`), "events"),
  };
  const said = ({ captured, refunded }: Sums) => `${captured}/${refunded}`;
  return payments.flatMap(({ id, captured, refunded }) =>
    Object.entries(replayed).flatMap(([of, sums]) => {
      const now = sums.get(uuidToTypeId("pay", id)) ?? { captured: 0, refunded: 0 };
      const isSame = said(now) === said({ captured, refunded });
      return isSame ? [] : [`I13 payment ${id} says ${said({ captured, refunded })}, its ${of} ${said(now)}`];
    }),
  );
}
