import { readFileSync } from "node:fs";
import { publicKeys } from "../../core/identity/access-token.js";
import { packaged } from "../packaged.js";
import type { App } from "./app.js";

const assets: Record<string, string> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
};

/** Only what the page is made of; `connect-src 'self'` lets it send requests to this API. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
const HOUR = "public, max-age=3600";

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stoa · API reference</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/page.css">
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230f6b5c'/%3E%3C/svg%3E">
</head>
<body>
<header><b>Stoa</b><span>API reference</span><nav><a href="/docs/errors">Errors</a><a href="/openapi.json">openapi.json</a></nav></header>
<main id="reference"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/page.js"></script>
</body>
</html>`;

const script = `SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#reference", deepLinking: true, docExpansion: "list", filter: true,
  defaultModelsExpandDepth: 0, displayRequestDuration: true, persistAuthorization: true, tryItOutEnabled: true,
  validatorUrl: null, tagsSorter: "alpha",
});`;

const style = `:root{--ink:#1d2433;--line:#e4e7ec;--accent:#0f6b5c}
body{margin:0;background:#fafaf8;color:var(--ink)}
header{display:flex;gap:.75rem;align-items:baseline;padding:1rem 2rem;background:var(--ink);color:#fff;font:15px/1.4 system-ui,sans-serif}
header b{font-size:1.25rem;letter-spacing:.02em}header span{opacity:.7}header nav{margin-left:auto;display:flex;gap:1.25rem}header a{color:#fff;opacity:.85}
main,article{max-width:1180px;margin:0 auto}article{padding:1.5rem 2rem;font:15px/1.6 system-ui,sans-serif}
article h2{font:600 1rem ui-monospace,monospace;border-top:1px solid var(--line);padding-top:1rem;margin:1.25rem 0 .25rem}
.swagger-ui .info{margin:1.5rem 0 .5rem}.swagger-ui .info hgroup .link,.swagger-ui .info__license,.swagger-ui .servers,.swagger-ui .servers-title{display:none}
.swagger-ui .opblock-tag{font-size:1.15rem}
.swagger-ui .scheme-container{box-shadow:none;border-bottom:1px solid var(--line);background:transparent}
.swagger-ui .opblock{border-radius:8px;box-shadow:none}.swagger-ui .btn.authorize{border-color:var(--accent);color:var(--accent)}
.swagger-ui .btn.authorize svg{fill:var(--accent)}.swagger-ui .btn.execute{background:var(--accent);border-color:var(--accent)}`;

/** The API's description, its reference page, which needs nothing from outside, and the keys of its tokens. */
export function docsRoutes(app: App, document: () => object): void {
  let built: string | undefined;
  app.get("/openapi.json", (c) => {
    built ??= JSON.stringify(document());
    return c.body(built, 200, { "content-type": "application/json", "cache-control": "public, max-age=60" });
  });
  app.get("/.well-known/jwks.json", async (c) => c.json(await publicKeys(), 200, { "cache-control": HOUR }));
  const html = (body: string) =>
    new Response(body, { headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY } });
  app.get("/docs", () => html(page));
  app.get("/docs/errors", () => html(errorsPage(readFileSync(packaged("docs/errors.md"), "utf8"))));
  app.get("/docs/page.js", (c) => c.body(script, 200, { "content-type": "text/javascript; charset=utf-8" }));
  app.get("/docs/page.css", (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }));
  for (const [name, type] of Object.entries(assets)) {
    app.get(`/docs/${name}`, (c) =>
      c.body(readFileSync(packaged(`docs/${name}`), "utf8"), 200, { "content-type": type, "cache-control": HOUR }),
    );
  }
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** docs/errors.md: a heading a code, a paragraph about it. */
function errorsPage(markdown: string): string {
  const sections = markdown.split(/^## /m).slice(1);
  const articles = sections.map((section) => {
    const [code = "", ...text] = section.split("\n");
    return `<h2 id="${escaped(code.trim())}">${escaped(code.trim())}</h2><p>${escaped(text.join(" ").trim())}</p>`;
  });
  return page
    .replace('<main id="reference"></main>', `<article><h1>Errors</h1>${articles.join("")}</article>`)
    .replace(/<script.*<\/script>\n/g, "");
}
