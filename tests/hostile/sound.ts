import { expect } from "vitest";
import { Problem } from "../../functions/http/problem.js";
import { internals, type RawAnswer } from "./wire.js";

interface Heard {
  status: number;
  headers: Headers | Record<string, string>;
  text: string;
}

const headerOf = ({ headers }: Heard, name: string) =>
  headers instanceof Headers ? headers.get(name) : (headers[name] ?? null);

/**
 * What is wrong with an answer to a hostile request: nothing is ever 5xx, and every refusal is a problem of ours that
 * says no more than it should. Undefined when it is sound.
 * @param gateway the statuses that API Gateway gives by itself, with a body of its own
 */
export function flaw(answer: Heard, gateway: readonly number[] = []): string | undefined {
  const { status, text } = answer;
  if (status >= 200 && status < 400) return undefined;
  if (gateway.includes(status) && /^(\{"message":"[\w ]+"\})?$/.test(text)) return undefined;
  if (status < 400 || status >= 500) return `status ${status}`;
  if (headerOf(answer, "content-type") !== "application/problem+json")
    return `type ${headerOf(answer, "content-type")}`;
  const problem = Problem.safeParse(JSON.parse(text));
  if (!problem.success) return `no problem: ${problem.error.message}`;
  const { code, requestId, title } = problem.data;
  if (problem.data.status !== status) return "another status in the body";
  if (!/^[a-z][a-z_]*(\.[a-z][a-z_]*)?$/.test(code) || title === "Error") return `code ${code}, title ${title}`;
  if (requestId !== headerOf(answer, "x-request-id")) return "another request id in the header";
  const { errors, type: _, ...rest } = problem.data;
  const shown = JSON.stringify([rest, (errors ?? []).map(({ detail }) => detail)]);
  return internals.exec(shown)?.[0];
}

/** Fails with what was wrong, and with which statuses there were when one is missing. */
export function expectSound(answers: Record<string, RawAnswer>, gateway?: readonly number[]): void {
  const flaws = Object.entries(answers).flatMap(([name, answer]) => {
    const found = flaw(answer, gateway);
    return found ? [[name, found, answer.status, answer.text.slice(0, 300)]] : [];
  });
  expect(flaws).toEqual([]);
}
