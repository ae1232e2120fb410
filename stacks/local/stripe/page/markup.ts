import { escapeHtml } from "../../page/markup.js";

const style = `
:root { color-scheme: light dark; --ink: #1a1f36; --quiet: #697386; --line: #d8dee4; --paper: #fff; --back: #f6f8fa;
  --accent: #635bff; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --quiet: #98a1ad; --line: #31363d; --paper: #1b1e22;
  --back: #131518; --accent: #8f89ff; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 28rem; margin: 2.5rem auto; padding: 1.5rem; background: var(--paper); border: 1px solid var(--line);
  border-radius: 10px; }
h1 { font-size: 1.2rem; margin: 0 0 0.3rem; } .amount { font-size: 1.8rem; font-weight: 600; margin: 0 0 1rem; }
label { display: block; margin: 0.8rem 0 0; font-size: 0.9rem; color: var(--quiet); }
input { width: 100%; font: inherit; padding: 0.5rem 0.6rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--back); color: var(--ink); }
button { width: 100%; margin-top: 1rem; padding: 0.6rem; font: inherit; font-weight: 600; border: 0; border-radius: 6px;
  background: var(--accent); color: #fff; cursor: pointer; }
button.second { background: none; color: var(--accent); border: 1px solid var(--line); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0.8rem; }
table { width: 100%; border-collapse: collapse; } td { padding: 0.2rem 0; } td:last-child { text-align: right; }
[role=alert] { color: var(--bad); margin: 0.8rem 0 0; } .quiet { color: var(--quiet); font-size: 0.9rem; }
a { color: var(--accent); } code { user-select: all; }
`;

/** A page with a look of its own, so that it is taken for neither Stripe nor the shop; `body` is markup. */
export const page = (title: string, body: string) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${style}</style></head><body>
<main>${body}<p class="quiet">Stripe stand-in of the local host: no money moves.</p></main></body></html>`;

/** Adds query parameters to a URL. */
export function withQuery(url: string, fields: Record<string, string | null>): string {
  const query = Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(value ?? "")}`);
  const [rest = "", ...fragment] = url.split("#");
  const joined = `${rest}${rest.includes("?") ? "&" : "?"}${query.join("&")}`;
  return [joined, ...fragment].join("#");
}

export { escapeHtml };
