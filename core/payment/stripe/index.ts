import { eq } from "drizzle-orm";
import { read } from "../../kernel/db.js";
import { conflict } from "../../kernel/error.js";
import { paymentAccountTable } from "../../payment-account/payment-account.sql.js";
import { connectedAccount } from "../../stripe/call.js";
import { withDeadline } from "../../stripe/client.js";
import { refusalOf } from "../../stripe/fault.js";
import type { Provider } from "../provider.js";
import { close } from "./close.js";
import { openIntent, openSession } from "./open.js";
import { operate } from "./operate.js";
import { snapshotOf } from "./snapshot.js";

/** For all calls of one question together: an API request has 20 s. Milliseconds. */
const TIME = 12_000;

/** @throws Failure conflict `payment.provider_unavailable` for an account that is not connected any more, OutcomeUnknown */
const asking = <T>(run: () => Promise<T>): Promise<T> =>
  withDeadline(TIME, run).catch((error: unknown) => {
    if (refusalOf(error)?.code !== "account_invalid") throw error;
    throw conflict("payment.provider_unavailable", "The merchant's payment account is no longer connected.");
  });

/** Stripe, by direct charges on the merchant's own account: their name on the statement, their fees, their disputes. */
export const stripe: Provider = {
  name: "stripe",
  open: (attempt) =>
    asking(async () => {
      const parts = await capturesByHand(attempt.account);
      const open = attempt.method === "checkout_session" ? openSession : openIntent;
      return open(await connectedAccount(attempt), attempt, parts);
    }),
  snapshot: (attempt) => asking(async () => snapshotOf(await connectedAccount(attempt), attempt)),
  operate: (attempt, operation) => asking(async () => operate(await connectedAccount(attempt), attempt, operation)),
  close: (attempt) => asking(async () => close(await connectedAccount(attempt), attempt)),
};

/** Whoever captures by hand may want to do it as the parcels leave. */
async function capturesByHand(account: string | null): Promise<boolean> {
  if (!account) return false;
  const [row] = await read((q) =>
    q
      .select({ capture: paymentAccountTable.capture })
      .from(paymentAccountTable)
      .where(eq(paymentAccountTable.account, account)),
  );
  return row?.capture === "manual";
}
