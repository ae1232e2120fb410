/** HTML that is safe to send: made by `html` only. */
export class Html {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? "");

type Part = string | number | Html | readonly Part[];

const render = (part: Part): string => {
  if (part instanceof Html) return part.toString();
  return typeof part === "object" ? part.map(render).join("") : escaped(String(part));
};

/** A template whose parts are text, and escaped, unless they are HTML already. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(strings.reduce((text, string, index) => text + render(parts[index - 1] ?? "") + string));
