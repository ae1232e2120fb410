import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const read = (file: string) => readFileSync(join(root, file), "utf8");
const files = (folder: string, ending: RegExp): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => ending.test(name))
    .map((name) => join(folder, name));

/** A sentence or clause whose subject is no noun; a question may begin like this. */
const RIDDLE =
  /(?:^|[.;!?]\s+)(?:and |but |so )?(?:what(?:ever)?|who(?:ever|m|se)?|nobody|(?:some|any|every)(?:body|one))\s(?![^.;!]*\?)/gi;
/** Words of which a better one exists in the glossary, for texts that a merchant's developer reads. */
const UNCLEAR =
  /\b(whoever|nobody|somebody|anybody|everybody|whatever|let (?:it|them|what) go|promised|lacks something)\b/i;
/** Riddles for each 1,000 words of comment, at most. */
const CEILING = 1;

const plain = (text: string) => text.replace(/\s+/g, " ").trim();

/** Block comments as one text each, and adjacent line comments as one. */
function comments(file: string): string[] {
  const source = read(file);
  if (file.endsWith(".sql"))
    return [...source.matchAll(/(?:^[ \t]*-- .*\n?)+/gm)].map(([text]) => plain(text.replace(/^\s*--/gm, "")));
  const blocks = [...source.matchAll(/\/\*\*?([\s\S]*?)\*\//g)].map(([, text = ""]) =>
    plain(text.replace(/^\s*\*/gm, "")),
  );
  const lines = [...source.matchAll(/(?:(?:^|(?<=\s))\/\/ .*(?:\n[ \t]*(?=\/\/ )|$))+/gm)];
  return [...blocks, ...lines.map(([text]) => plain(text.replace(/(?:^|\s)\/\/ /gm, " ")))];
}

/** The texts between quotes that have at least two words. */
const literals = (file: string): string[] =>
  [...read(file).matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)]
    .map(([, quoted, template]) => plain(quoted ?? template ?? ""))
    .filter((text) => /\w \w/.test(text) && !/\b(select|insert|update|delete) /.test(text));

/** Every summary and description of the API's document. */
function described(node: unknown): string[] {
  if (node === null || typeof node !== "object") return [];
  return Object.entries(node).flatMap(([name, value]) =>
    ["summary", "description"].includes(name) && typeof value === "string" ? [value] : described(value),
  );
}

const riddles = (text: string) => [...text.matchAll(RIDDLE)].length;
const code = ["core", "drizzle", "functions", "plugins"].flatMap((folder) => files(folder, /(?<!\.d)\.(ts|sql)$/));

describe("the words", () => {
  const sources = ["core", "functions", "plugins"].flatMap((folder) => files(folder, /\.ts$/));
  const documents = ["README.md", "CONTRIBUTING.md", "plugins/README.md", ...files("docs", /\.md$/)];

  test.each([
    ["of the reference", () => described(JSON.parse(read("docs/openapi.json")))],
    ["of errors and mails in the source", () => sources.flatMap(literals)],
    [
      "of the documents",
      () =>
        documents.flatMap((file) =>
          read(file)
            .split(/\n\n|\n#+ |\n[-|]|\n\d+\. /)
            .map(plain),
        ),
    ],
  ])("%s have a noun for their subject", (_, texts) => {
    const unclear = texts().filter((text) => riddles(text) > 0 || UNCLEAR.test(text));
    expect([...new Set(unclear)]).toEqual([]);
  });

  test("of comments do not become riddles again", () => {
    const texts = code.filter((file) => !file.includes("migrations/")).flatMap(comments);
    const words = texts.join(" ").split(" ").length;
    const found = texts.flatMap((text) => Array<string>(riddles(text)).fill(text));
    const message = `${found.length} riddles in ${words} words of comment:\n${[...new Set(found)].join("\n")}\n`;
    expect((found.length / words) * 1000, message).toBeLessThanOrEqual(CEILING);
  });
});
