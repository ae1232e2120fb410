import { paymentProviders, type RemoteProvider, type Snapshot } from "../../core/payment/provider.js";
import "../../functions/modules/index.js"; // fills the registries
import { snapshot } from "./known.js";

type Call = { call: "open" | "snapshot" | "close" } | { call: "operate"; kind: string; amount: number; final: boolean };

/** A remote provider that answers what a test says, and remembers the calls of each payment. */
export const testProvider = {
  calls: [] as Call[],
  /** Of the payment's next snapshot; its amount and currency are the attempt's. */
  reported: {} as Partial<Snapshot>,
  /** Runs in the middle of a call, before its answer. */
  meanwhile: async (_call: Call["call"]): Promise<void> => undefined,
  reset(): void {
    Object.assign(this, { calls: [], reported: {}, meanwhile: async () => undefined });
  },
};

const heard = async (call: Call) => {
  testProvider.calls.push(call);
  await testProvider.meanwhile(call.call);
};

const provider: RemoteProvider = {
  name: "test",
  synchronous: false,
  capture: "manual",
  prepareAttempt: async () => ({}),
  async open() {
    await heard({ call: "open" });
    return { reference: null, session: null, action: { type: "redirect" }, expiresIn: 60 };
  },
  async snapshot({ amount, currency }) {
    await heard({ call: "snapshot" });
    return snapshot({ reference: null, amount, currency, ...testProvider.reported });
  },
  async operate(_, { id, kind, amount, final }) {
    await heard({ call: "operate", kind, amount, final });
    const { reported } = testProvider;
    if (kind === "capture")
      Object.assign(reported, {
        captured: (reported.captured ?? 0) + amount,
        captures: [...(reported.captures ?? []), id],
      });
    if (kind === "refund") {
      const refund = { reference: id, amount, status: "succeeded" as const, operationId: id };
      reported.refunds = [...(reported.refunds ?? []), refund];
    }
    if (kind === "void") reported.status = "voided";
    return { status: "succeeded", reference: id };
  },
  close: () => heard({ call: "close" }),
};

paymentProviders.fill([...paymentProviders.all(), provider]);
