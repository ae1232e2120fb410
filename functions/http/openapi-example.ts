import { readDoc } from "./document.js";

/** What one operation takes and answers, as it was seen on the running system. */
export interface Example {
  readonly request?: unknown;
  readonly response?: unknown;
}

/** By the names of the operations. */
export type Examples = Readonly<Record<string, Example>>;

/** The examples that `npm run openapi:examples` has recorded. */
export const readExamples = (): Examples => JSON.parse(readDoc("reference/examples.json"));

/** The `examples` of a body or an answer; nothing where none was recorded. */
export const exampleOf = (value: unknown, summary: string) =>
  value === undefined ? {} : { examples: { usual: { summary, value } } };
