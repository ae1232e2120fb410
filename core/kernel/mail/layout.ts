import { type Html, html } from "./html.js";

/** The frame of a mail: a narrow white page with the sender's name above its content. Styles are inline, as mail programs need. */
export const layout = (
  { title, heading }: { title: string; heading: string },
  content: Html,
): Html => html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body style="margin:0;padding:24px;background:#f6f6f6;font:16px/1.5 system-ui,sans-serif;color:#1a1a1a">
<div style="max-width:560px;margin:auto;padding:24px;background:#fff;border-radius:8px">
<h1 style="font-size:20px">${heading}</h1>
${content}
</div></body></html>`;
