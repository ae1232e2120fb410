import { vi } from "vitest";
import type { Till } from "../support/till.js";

/**
 * The domain with modules and a connection of its own, as an execution environment has them, in this process: workers
 * of these meet in the database at the moment that a test wants.
 */
async function newWorker({ host, tenant }: Till) {
  Object.assign(process.env, host.env("jobs"));
  vi.resetModules();
  await import("../../functions/modules/index.js");
  const { asSystem } = await import("../support/domain.js");
  const { db } = await import("../../core/kernel/db.js");
  const { loadAttempt, prepareAttempt } = await import("../../core/payment/attempt.js");
  const { orderTable } = await import("../../core/order/order.sql.js");
  const { paymentTable } = await import("../../core/payment/payment.sql.js");
  const { applySnapshot } = await import("../../core/payment/snapshot.js");
  const { closeAttempt } = await import("../../core/payment/expiry.js");
  const { performOperation, syncPayment } = await import("../../core/payment/provider-call.js");
  const { stripe } = await import("../../core/payment/stripe/index.js");
  const { applyPayment } = await import("../../core/order/payment-progress.js");
  const { cancel } = await import("../../core/order/cancellation.js");
  const system = { appUrl: host.databases.app, proxy: `127.0.0.1:${host.bridge.port}` };
  const inside = <T>(work: () => Promise<T>): Promise<T> => asSystem(tenant.id, work, system);
  const payment = { loadAttempt, prepareAttempt, applySnapshot, closeAttempt, performOperation, syncPayment };
  const tables = { orderTable, paymentTable };
  return { inside, db, tables, ...payment, stripe, applyPayment, cancel };
}
export type Worker = Awaited<ReturnType<typeof newWorker>>;

export async function newWorkers(till: Till, count: number): Promise<Worker[]> {
  const workers: Worker[] = [];
  for (let made = 0; made < count; made++) workers.push(await newWorker(till)); // one after the other: they reset modules
  return workers;
}

/** Each of them does it so many times, all at once. */
export const allAtOnce = <T>(
  workers: readonly Worker[],
  times: number,
  work: (worker: Worker) => Promise<T>,
): Promise<T[]> =>
  Promise.all(workers.flatMap((worker) => Array.from({ length: times }, () => worker.inside(() => work(worker)))));
