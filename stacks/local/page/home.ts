import type { DemoShop } from "../demo/seed.js";
import { escapeHtml, layout } from "./markup.js";

export interface Home {
  readonly url: string;
  /** The stand-in's, unless a real account is used. */
  readonly stripe: string | undefined;
  readonly shops: readonly DemoShop[];
}

/** Text that one click selects, to be copied. */
const copyable = (text: string) => `<code class="copy">${escapeHtml(text)}</code>`;

const step = (command: string, text: string) => `<tr><td>${copyable(command)}<td>${text}`;

function trySection({ stripe, shops: [first] }: Home): string {
  if (!first)
    return '<section><h2>Try it</h2><p class="quiet">The demo shops are being created; reload in a moment.</section>';
  const list = 'curl "$URL/v1/store/products" -H "Authorization: Bearer $PK"';
  const rows = [
    step("npm run demo:buy", `buys two of something from ${escapeHtml(first.name)}, and shows the requests`),
    ...(stripe
      ? [
          step("npm run demo:card", "the same, paid by card on Stripe’s page, where a test card is filled in"),
          step("npm run demo:plan", "chooses a plan for the shop in live mode, and pays for it"),
        ]
      : []),
    step(`. .stoa/demo.env; ${list}`, "lists the products, in any POSIX shell"),
  ];
  return `<section><h2>Try it, in a second terminal</h2><table><tbody>${rows.join("")}</tbody></table></section>`;
}

function shopSection(
  url: string,
  { name, slug, tenant, email, password, publishableKey, secretKey }: DemoShop,
): string {
  const facts = { Login: `${email}  ${password}`, Tenant: tenant, Publishable: publishableKey, Secret: secretKey };
  const rows = Object.entries(facts).map(([label, text]) => `<dt>${label}<dd>${copyable(text)}`);
  return `<section><h2>${escapeHtml(name)}</h2><p><a class="button" href="${url}/_local/shops/${slug}">Visit the shop</a></p>
<dl>${rows.join("")}</dl></section>`;
}

function linksSection({ stripe }: Home): string {
  const links = [
    ["/docs", "API reference", "every operation, with “Try it out”"],
    ["/docs/errors", "Errors", "what each code means, and what to send instead"],
    ["/docs/events", "Events", "what the system reports"],
    ["/_local", "This machine", "queues, outbox, schedules, the clock, faults to switch on"],
    ["/_local/mail", "Mail", "what was sent to shoppers and members"],
    ...(stripe ? [[stripe, "Stripe’s stand-in", "accounts, payments, webhooks"]] : []),
  ];
  const rows = links.map(([href = "", name = "", text = ""]) => `<tr><td><a href="${href}">${name}</a><td>${text}`);
  return `<section><h2>Look around</h2><table><tbody>${rows.join("")}</tbody></table></section>`;
}

/** The first page of this machine: the demo shops, what to try, and the links to everything else. */
export const homePage = (home: Home): string =>
  layout(
    "Stoa runs on this machine",
    `<p class="quiet">Two shops that know nothing of each other, on one deployment. Their keys are for this machine only; those of <a href="/docs/test-mode">test mode</a> begin with <code>pk_test_</code> and <code>sk_test_</code>.</p>
${trySection(home)}<div class="pair">${home.shops.map((shop) => shopSection(home.url, shop)).join("")}</div>${linksSection(home)}`,
  );
