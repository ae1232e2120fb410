import { readFileSync } from "node:fs";
import { packagedPath } from "../package-path.js";

/** The documents that are served below `/docs/`, by name: their files and how the navigation calls them. */
export const documents = {
  errors: { file: "errors.md", title: "Errors" },
  events: { file: "events.md", title: "Events" },
  payments: { file: "guides/payments.md", title: "Payments" },
  "test-mode": { file: "guides/test-mode.md", title: "Test mode" },
  glossary: { file: "glossary.md", title: "Glossary" },
} as const;

export type DocumentName = keyof typeof documents;
const names = Object.keys(documents) as DocumentName[];

export const readDoc = (name: string) => readFileSync(packagedPath(`docs/${name}`), "utf8");

/** The stable codes of errors, which are the headings of their document. */
export const errorCodes = (): string[] =>
  [...readDoc(documents.errors.file).matchAll(/^## (.+)$/gm)].map(([, code = ""]) => code);

const navigation = [
  '<a href="/docs">API reference</a>',
  ...names.map((name) => `<a href="/docs/${name}">${documents[name].title}</a>`),
  '<a href="/openapi.json">openapi.json</a>',
].join("");

/** Codes and event types are their own anchors; other headings have their words. */
const anchorOf = (text: string) => (/^[\w.]+$/.test(text) ? text : text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-"));

/** The served place of a link between documents; undefined for a file that is not served. */
function placeOf(href: string): string | undefined {
  if (!/\.md(?:#|$)/.test(href)) return href;
  const [file = "", anchor] = href.split("#");
  const name = names.find((one) => documents[one].file.endsWith(file.replace(/^.*\//, "")));
  return name && `/docs/${name}${anchor ? `#${anchor}` : ""}`;
}

const kept = new Map<DocumentName, string>();

/** A document as a page; made once in a process. */
export async function documentPage(name: DocumentName): Promise<string> {
  const known = kept.get(name);
  if (known !== undefined) return known;
  const { Marked } = await import("marked");
  const { file, title } = documents[name];
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const inner = this.parser.parseInline(tokens);
        const place = placeOf(href);
        return place === undefined ? inner : `<a href="${place}">${inner}</a>`;
      },
    },
  });
  const text = readDoc(file).replace(/^(\d{3})\. /gm, "$1\\. "); // a status begins a sentence, and no list
  const body = await marked.parse(text);
  const page = readDoc("reference/document.html")
    .replaceAll("TITLE", title)
    .replace("<!-- links -->", () => navigation)
    .replace("<!-- document -->", () => body);
  kept.set(name, page);
  return page;
}
