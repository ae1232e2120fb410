import type { Answer } from "./client.js";

/** Status and code: `200`, `409 stock.insufficient`. */
export const outcome = ({ status, body }: Answer): string => [status, body?.code].filter(Boolean).join(" ");

/** How many answers there are of each outcome: `{ "200": 1, "409 stock.insufficient": 99 }`. */
export function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[outcome(answer)] = (counts[outcome(answer)] ?? 0) + 1;
  return counts;
}
