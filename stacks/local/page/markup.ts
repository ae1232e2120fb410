const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text that is safe inside an element or a quoted attribute. */
export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? "");

const style = `
:root { color-scheme: light dark; --ink: #1c1f23; --quiet: #69707a; --line: #dfe3e8; --paper: #fff; --back: #f5f6f8;
  --accent: #2557d6; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --quiet: #98a1ad; --line: #31363d; --paper: #1b1e22;
  --back: #131518; --accent: #8ab0ff; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header { background: var(--paper); border-bottom: 1px solid var(--line); padding: 0.7rem 1.2rem; }
header nav { max-width: 69.6rem; margin: auto; display: flex; gap: 1.2rem; align-items: baseline; }
main { max-width: 72rem; margin: 1.4rem auto; padding: 0 1.2rem 4rem; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; } h2 { font-size: 1rem; margin: 0 0 0.6rem; }
section, table, dl, pre, iframe { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
section { padding: 1rem 1.2rem; margin-bottom: 1rem; overflow-x: auto; } section table { border: 0; }
table { width: 100%; border-collapse: collapse; } th { color: var(--quiet); font-weight: 500; }
th, td { text-align: left; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
main > table th, main > table td { padding-left: 0.8rem; }
tbody tr:last-child > td { border-bottom: 0; } td.number { font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; padding: 0.8rem 1rem; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
pre { padding: 0.8rem 1rem; overflow: auto; white-space: pre-wrap; } code { font-size: 0.9em; overflow-wrap: anywhere; }
iframe { width: 100%; height: 32rem; background: #fff; }
a { color: var(--accent); } form { display: inline-flex; gap: 0.4rem; align-items: center; margin: 0 0.4rem 0 0; }
button, input { font: inherit; padding: 0.15rem 0.6rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--back); color: inherit; } button { cursor: pointer; } input { width: 6rem; }
button:hover, button:focus-visible { border-color: var(--accent); }
.quiet { color: var(--quiet); } .bad { color: var(--bad); }
.home { color: inherit; text-decoration: none; }
.copy { user-select: all; cursor: copy; white-space: pre-wrap; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1rem; margin: 0 0 1rem; }
.pair dl { border: 0; padding: 0; margin: 0; } .pair section, #checkout { margin: 0; }
.button { display: inline-block; padding: 0.35rem 0.9rem; border-radius: 6px; border: 0; color: #fff; background: #2557d6;
  text-decoration: none; } .button:hover { background: #1d46ad; }
.products { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; margin-bottom: 1rem; }
.products section { margin: 0; } .picture { height: 7rem; border-radius: 6px; display: grid; place-items: center;
  font-size: 3rem; font-weight: 300; color: var(--quiet); background: linear-gradient(135deg, var(--line), var(--back)); margin-bottom: 0.8rem; }
.choices { display: flex; flex-wrap: wrap; gap: 0.4rem; } .total { font-weight: 600; margin: 0.8rem 0 0; }
#checkout { display: grid; gap: 0.5rem; background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  padding: 1rem 1.2rem; } #checkout[hidden] { display: none; }
#checkout label { display: grid; gap: 0.1rem; color: var(--quiet); font-size: 0.9rem; }
#checkout input { width: 100%; padding: 0.35rem 0.6rem; color: var(--ink); } #checkout p { margin: 0; font-size: 0.9rem; }
.news { background: var(--paper); border: 1px solid var(--accent); border-radius: 8px; padding: 0.7rem 1.2rem; }
.requests { font: 0.85rem/1.7 ui-monospace, monospace; color: var(--quiet); margin: 0; overflow-wrap: anywhere; }
`;

/** A whole page; `body` is markup. */
export const layout = (title: string, body: string) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)} · Stoa on this machine</title><style>${style}</style></head><body>
<header><nav><strong><a class="home" href="/">Stoa</a></strong><a href="/_local">This machine</a><a href="/_local/mail">Mail</a><a href="/docs">API reference</a></nav></header>
<main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`;
