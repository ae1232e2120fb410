import { describe, expect, test } from "vitest";
import { diff, type Effects } from "../../core/payment/snapshot-diff.js";
import { captured, known, next, order, payment, placed, refundOf, TOTAL } from "./known.js";

describe("the ledger's side of refunds", () => {
  const entries = ({ postings }: Effects) => postings.flatMap((posting) => posting?.entries ?? []);
  const sumOf = (account: string, ...all: Effects[]) =>
    all.flatMap(entries).reduce((sum, one) => sum + (one.account === account ? one.amount : 0), 0);

  test("takes back a part of the sale only for a payment that counts, of an order that is placed", () => {
    const refunded = captured({ refunds: [refundOf(1_000)] });
    const counts = { accepted: true, authorized: TOTAL, captured: TOTAL };
    const outside = { isClosed: true, authorized: TOTAL, captured: TOTAL };
    for (const [paid, status, refunds] of [
      [counts, "open", 840],
      [counts, "pending", 0],
      [outside, "open", 0],
    ] as const) {
      const state = known({ payment: payment(paid), order: order({ status, amountApplied: TOTAL }) });
      expect(sumOf("refunds", diff(state, { snapshot: refunded }))).toBe(refunds);
    }
  });

  test("has the tax of all that is refunded, however it is divided and whatever fails", () => {
    const [one, two] = [refundOf(3_333), refundOf(3_333, { reference: "re_2" })];
    const taxOf = (amount: number) => Math.round((amount * order().tax) / TOTAL);
    const before = placed({ captured: TOTAL, feeTaken: 200 });
    const both = diff(before, { snapshot: captured({ refunds: [one, two] }) });
    expect(sumOf("tax_payable", both)).toBe(taxOf(6_666));
    const first = diff(before, { snapshot: captured({ refunds: [one] }) });
    const other = refundOf(1_000, { reference: "re_3" });
    const failed = captured({ refunds: [{ ...one, status: "failed" }, other] });
    expect(sumOf("tax_payable", first, diff(next(before, first), { snapshot: failed }))).toBe(taxOf(1_000));
  });
});
