import * as z from "zod";
import { Registry } from "../kernel/registry.js";

/** The kind of business fact that a transaction records, such as `order.placed`. Permanent: transactions carry it. */
export type LedgerKind = `${string}.${string}`;

/** Those of all modules. */
export const ledgerKinds = new Registry<LedgerKind>("ledger kind", (kind) => kind);

/** One of them. A list answers plain text instead, because transactions outlive the module that recorded them. */
export const LedgerKindName = z.lazy(() => z.enum([...ledgerKinds.all()] as [LedgerKind, ...LedgerKind[]]));
