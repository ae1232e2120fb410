import type { DemoShop } from "../demo/seed.js";
import { escapeHtml, layout } from "./markup.js";

/** Addresses at which the demo shops deliver. */
const addresses: Record<string, { name: string; line1: string; city: string; postalCode: string; state?: string }> = {
  DE: { name: "Ada Lovelace", line1: "Lange Straße 1", city: "Berlin", postalCode: "10115" },
  US: { name: "Ada Lovelace", line1: "1 Analytical Row", city: "Springfield", postalCode: "62701", state: "IL" },
};

export const addressIn = (country: string) => ({ ...addresses[country], country });

const field = (name: string, label: string, value: string, type = "text") =>
  `<label>${label}<input name="${name}" type="${type}" value="${escapeHtml(value)}" required></label>`;

/** A storefront of one page. It calls the API with the publishable key, as a shop in a browser does. */
export function shopPage(shop: DemoShop): string {
  const address = addresses[shop.country];
  const given = { key: shop.publishableKey, slug: shop.slug, country: shop.country, state: address?.state };
  const form = [
    field("email", "E-mail", "ada@example.com", "email"),
    field("name", "Name", address?.name ?? ""),
    field("line1", "Street", address?.line1 ?? ""),
    field("postalCode", "Postal code", address?.postalCode ?? ""),
    field("city", "City", address?.city ?? ""),
  ];
  return layout(
    shop.name,
    `<div id="shop" data-shop="${escapeHtml(JSON.stringify(given))}">
<p id="news" class="news" hidden></p><div id="products" class="products"></div>
<div class="pair"><section><h2>Your cart</h2><div id="cart"><p class="quiet">Nothing yet.</p></div></section>
<form id="checkout" hidden><h2>Checkout</h2>${form.join("")}<button class="button">Pay by card</button>
<p class="quiet">On Stripe’s page a test card is filled in; 4000 0000 0000 0002 is declined.</p></form></div>
<section><h2>What this page asked the API</h2><ol id="requests" class="requests"></ol></section></div>
<script src="/_local/shop.js"></script>`,
  );
}
