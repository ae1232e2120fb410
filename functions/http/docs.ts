import { extname } from "node:path";
import { publicKeys } from "../../core/identity/access-token.js";
import { config } from "../../core/kernel/config.js";
import { type DocumentName, documentPage, documents, readDoc } from "./document.js";
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

/** The API's description, its reference page, which loads nothing from other hosts, and the keys of its tokens. */
export function docsRoutes(app: App, document: () => object): void {
  let built: string | undefined;
  const door = takeOpenTokens();
  app.get("/", door, (c) =>
    c.json({ name: "Stoa", links: linksOf(config.PUBLIC_URL) }, 200, { "cache-control": HOUR }),
  );
  const page = { "content-security-policy": POLICY, "cache-control": HOUR };
  app.get("/openapi.json", door, (c) => {
    built ??= JSON.stringify(document());
    return c.body(built, 200, { "content-type": "application/json", "cache-control": "public, max-age=60" });
  });
  app.get("/.well-known/jwks.json", door, async (c) => c.json(await publicKeys(), 200, { "cache-control": HOUR }));
  app.get("/docs", door, (c) => c.html(readDoc("reference/index.html"), 200, page));
  for (const name of Object.keys(documents) as DocumentName[])
    app.get(`/docs/${name}`, door, async (c) => c.html(await documentPage(name), 200, page));
  for (const name of assets) {
    const headers = { "content-type": types[extname(name)] ?? "text/plain", "cache-control": HOUR };
    app.get(`/docs/${name}`, door, (c) => c.body(readDoc(`reference/${name}`), 200, headers));
  }
}

const linksOf = (url: string) => ({
  reference: `${url}/docs`,
  description: `${url}/openapi.json`,
  ...Object.fromEntries(Object.keys(documents).map((name) => [name, `${url}/docs/${name}`])),
  health: `${url}/health`,
});
