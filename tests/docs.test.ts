import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { modules } from "../functions/modules/index.js";

const root = new URL("..", import.meta.url).pathname;
const read = (file: string) => readFileSync(join(root, file), "utf8");
const under = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
const sources = ["core", "functions", "plugins"].flatMap((folder) => under(folder, ".ts")).map(read);
const headings = (file: string) => [...read(file).matchAll(/^## (.+)$/gm)].map(([, name]) => name);

const everything = [...sources, ...under("drizzle", ".ts").map(read)].join("\n");
const documents = ["README.md", "CONTRIBUTING.md", "plugins/README.md", ...under("docs", ".md")];
const defines = (name: string) => new RegExp(`\\b(?:function|const) ${name}\\b`).test(everything);

/** The stable codes that the source can answer. */
function codes(): string[] {
  const found = sources.flatMap((source) => [
    ...[
      ...source.matchAll(
        /\b(?:malformed|invalid|unauthenticated|forbidden|conflict|stale|providerUnreachable|providerFault)\(\s*"([\w.]+)"/g,
      ),
    ].map(([, code]) => code),
    ...[...source.matchAll(/new Failure\(\s*"\w+",\s*"([\w.]+)"/g)].map(([, code]) => code),
    ...[...source.matchAll(/problem\(\{[^}]*code: "([\w.]+)"/g)].map(([, code]) => code),
    ...[...source.matchAll(/@throws Failure conflict `([\w.]+)`/g)].map(([, code]) => code),
    ...[...source.matchAll(/notFound\(\s*"(\w+)"/g)].map(([, noun]) => `${noun}.not_found`),
  ]);
  return [...new Set(found as string[])].sort();
}

describe("the documentation", () => {
  test("has a paragraph about each error code, and about no other", () => {
    expect(headings("docs/errors.md")).toEqual(codes());
  });

  test("has a paragraph about each event, and about no other", () => {
    const events = modules.flatMap((module) => module.events ?? []).map(({ type }) => type);
    expect(headings("docs/events.md")).toEqual([...new Set(events)].sort());
  });

  test("names are permanent and unique: subscribers, jobs, sweeps, events", () => {
    const names = modules.flatMap(({ subscribers = [], jobs = [], sweeps = [], events = [] }) => [
      ...[...subscribers, ...jobs.map(({ job }) => job), ...sweeps].map(({ name }) => name),
      ...events.map(({ type }) => `event ${type}`),
    ]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test("every subscriber listens to an event that some module declares", () => {
    const declared = new Set(modules.flatMap((module) => module.events ?? []).map(({ type }) => type));
    const heard = modules.flatMap((module) => module.subscribers ?? []).map(({ event }) => event.type);
    expect(heard.filter((type) => !declared.has(type))).toEqual([]);
  });

  test.each(["platform", "connect"])("lists the events of Stripe's endpoint /%s", (endpoint) => {
    const handlers = modules.flatMap(({ stripe = [] }) => stripe).filter((handler) => handler.endpoint === endpoint);
    const section = read("docs/guides/payments.md").split(`/${endpoint}\` receives`)[1] ?? "";
    const list = /```\n([^`]*)\n```/.exec(section)?.[1];
    expect(list?.split("\n")).toEqual([...new Set<string>(handlers.flatMap(({ types }) => types))].sort());
  });

  test("names files and functions that exist", () => {
    const missing = documents.flatMap((file) => {
      const text = read(file);
      const paths = [...text.matchAll(/(?<![\w/.-])(?:core|docs|drizzle|functions|plugins|stacks|tests)\/[\w./-]*\w/g)];
      const functions = [...text.matchAll(/`(?:\w+\.)?(\w+)\([^`]*\)`/g)].map(([, name = ""]) => name);
      return [
        ...paths.filter(([path]) => !existsSync(join(root, path))).map(([path]) => `${file}: ${path}`),
        ...functions.filter((name) => !defines(name)).map((name) => `${file}: ${name}()`),
      ];
    });
    expect(missing).toEqual([]);
  });
});
