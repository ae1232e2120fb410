import type { Policy } from "./policy.js";

/** A process's question to a bucket's row. A bucket with a part of the tenant's rate has its size from the tenant's row. */
export interface Ask {
  id: string;
  place: number;
  capacity: number | null;
  perSecond: number | null;
  part: number | null;
  /** Tokens without which the request is refused; a bucket that can never hold as many is asked for all of its own. */
  need: number;
  /** Tokens to lease; the row gives fewer when it has not many left. */
  want: number;
  /** Tokens that were spent before they were taken. */
  owed: number;
}

/** The row's answer. */
export interface Answer extends Policy {
  id: string;
  /** The tokens before they were taken, the owed ones included. */
  before: number;
  tokens: number;
  granted: boolean;
}
