import type Stripe from "stripe";
import { z } from "zod";
import { noAccess } from "../engine/authority.js";
import { type Module, type PageReply, type PageRequest, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { oneOf } from "../engine/shape.js";
import { escapeHtml, page } from "../page/markup.js";
import { changeAccount, progress } from "./account.js";

/** An account link serves one visit; the API does not list it. */
interface Link {
  readonly id: string;
  readonly object: "stand_in.onboarding_link";
  readonly account: string;
  readonly refresh_url: string;
  readonly return_url: string;
  readonly expires_at: number;
  readonly opened: boolean;
}

declare module "../engine/engine.js" {
  interface Objects {
    "stand_in.onboarding_link": Link;
  }
}

const url = z.url({ error: "Not a valid URL" });
const create = z.strictObject({
  account: z.string(),
  collection_options: z
    .strictObject({
      fields: oneOf("currently_due", "eventually_due").optional(),
      future_requirements: oneOf("include", "omit").optional(),
    })
    .optional(),
  refresh_url: url,
  return_url: url,
  type: oneOf("account_onboarding", "account_update"),
});

function createLink(params: z.output<typeof create>, store: Store): Stripe.AccountLink {
  const { account, refresh_url, return_url, type } = params;
  const found = store.find("account", account);
  if (!found) throw noAccess("sk_", account);
  if (type === "account_update" && found.controller?.requirement_collection !== "application")
    throw refused(
      "You cannot create `account_update` links for this account: its requirements are Stripe's to collect.",
      {
        param: "type",
      },
    );
  if (store.livemode && !(refresh_url.startsWith("https:") && return_url.startsWith("https:")))
    throw refused("Livemode requests must always be redirected via HTTPS.", { param: "return_url" });
  const id = store.id("link");
  const expires_at = store.now + 300;
  store.put<Link>({
    id,
    object: "stand_in.onboarding_link",
    account,
    refresh_url,
    return_url,
    expires_at,
    opened: false,
  });
  return { object: "account_link", created: store.now, expires_at, url: `${store.publicUrl}/connect/onboarding/${id}` };
}

const form = (account: Stripe.Account) =>
  page(
    "Onboarding",
    `<h1>Connect your account</h1><p class="quiet">${escapeHtml(account.id)} · ${escapeHtml(account.country ?? "")}</p>
<p>Stripe would ask here for your business, your bank account and your papers.</p><form method="post">
<button name="outcome" value="complete">Complete</button>
<button name="outcome" value="checking" class="second">Submit, to be checked later</button>
<button name="outcome" value="half" class="second">Leave half done</button></form>`,
  );

const gone = { html: page("Link expired", "<h1>This link is not valid any more</h1>"), status: 410 };

/** A link opens once and within five minutes; afterwards it redirects to `refresh_url`, which makes a new one. */
function open({ path }: PageRequest, store: Store): PageReply {
  const link = store.find("stand_in.onboarding_link", path.id);
  const account = store.find("account", link?.account);
  if (!link || !account) return gone;
  if (link.opened || link.expires_at <= store.now) return { redirect: link.refresh_url };
  store.change(link, { opened: true });
  return { html: form(account) };
}

function submit({ path, form: fields }: PageRequest, store: Store): PageReply {
  const link = store.find("stand_in.onboarding_link", path.id);
  const account = store.find("account", link?.account);
  const patch = progress[fields.get("outcome") ?? ""];
  if (!link || !account || !patch) return gone;
  changeAccount(account, patch(account, store.now), store);
  return { redirect: link.return_url };
}

export const onboarding: Module = {
  kinds: [{ type: "stand_in.onboarding_link", prefix: "link" }],
  routes: [route("POST", "/v1/account_links", create, ({ params }, store) => createLink(params, store))],
  pages: [
    { method: "GET", path: "/connect/onboarding/:id", run: open },
    { method: "POST", path: "/connect/onboarding/:id", run: submit },
  ],
};
