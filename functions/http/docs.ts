import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { publicKeys } from "../../core/identity/access-token.js";
import { html } from "../../core/kernel/mail/html.js";
import { packagedPath } from "../package-path.js";
import { takeOpenTokens } from "./health.js";
import type { App } from "./hono.js";

const types: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const assets = ["page.css", "page.js", "icon.svg", "swagger-ui.css", "swagger-ui-bundle.js"];

/** Only the sources that the page loads; `connect-src 'self'` lets it send requests to this API. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
const HOUR = "public, max-age=3600";

const read = (name: string) => readFileSync(packagedPath(`docs/${name}`), "utf8");

/** The API's description, its reference page, which loads nothing from other hosts, and the keys of its tokens. */
export function docsRoutes(app: App, document: () => object): void {
  let built: string | undefined;
  const door = takeOpenTokens();
  const page = { "content-security-policy": POLICY, "cache-control": HOUR };
  app.get("/openapi.json", door, (c) => {
    built ??= JSON.stringify(document());
    return c.body(built, 200, { "content-type": "application/json", "cache-control": "public, max-age=60" });
  });
  app.get("/.well-known/jwks.json", door, async (c) => c.json(await publicKeys(), 200, { "cache-control": HOUR }));
  app.get("/docs", door, (c) => c.html(read("reference/index.html"), 200, page));
  app.get("/docs/errors", door, (c) => c.html(errorsPage(), 200, page));
  for (const name of assets) {
    const headers = { "content-type": types[extname(name)] ?? "text/plain", "cache-control": HOUR };
    app.get(`/docs/${name}`, door, (c) => c.body(read(`reference/${name}`), 200, headers));
  }
}

/** docs/errors.md has a heading for each code and a paragraph about it. */
function errorsPage(): string {
  const sections = read("errors.md").split(/^## /m).slice(1);
  const articles = sections.map((section) => {
    const [code = "", ...text] = section.split("\n").map((line) => line.trim());
    return html`<h2 id="${code}">${code}</h2><p>${text.join(" ").trim()}</p>`;
  });
  return read("reference/errors.html").replace("<!-- errors.md -->", () => html`${articles}`.toString());
}
