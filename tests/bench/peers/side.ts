import type { Http } from "./http.js";

export const works = ["list", "detail", "cart", "checkout", "orders"] as const;
/** What is compared; `orders` is after `checkout`, which makes them. */
export type Work = (typeof works)[number];

export const workNames: Record<Work, string> = {
  list: "product list (20 × 4 variants)",
  detail: "product detail",
  cart: "create cart with a line",
  checkout: "checkout, 2 lines",
  orders: "staff's list of orders (20)",
};

/** A system under comparison: each operation asks what its clients need for this, in as few requests as it allows. */
export interface Side {
  readonly name: string;
  readonly origin: string;
  /** What needs no measurement, such as a login. */
  prepare(http: Http): Promise<void>;
  /** @throws when an answer is not what a client needs; `nth` makes each operation another one */
  readonly operations: Readonly<Record<Work, (http: Http, nth: number) => Promise<unknown>>>;
}

/** Elements in turn. */
export const turn = <T>(list: readonly T[], nth: number): T => {
  const element = list[nth % list.length];
  if (element === undefined) throw new Error("Nothing to choose from.");
  return element;
};
