interface Answered {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: of any body
  body: any;
}

/** Status and code: `200`, `409 stock.insufficient`. */
export const outcome = ({ status, body }: Answered): string => [status, body?.code].filter(Boolean).join(" ");

/** How many answers there are of each outcome: `{ "200": 1, "409 stock.insufficient": 99 }`. */
export function tally(answers: readonly Answered[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[outcome(answer)] = (counts[outcome(answer)] ?? 0) + 1;
  return counts;
}

/** Status, code and each field at fault: `422 invalid_request /name`. */
export function faults(answer: Answered): string {
  const pointers = (answer.body?.errors ?? []).map(({ pointer }: { pointer: string }) => pointer);
  return [outcome(answer), ...new Set(pointers)].join(" ");
}
