// `npm run demo:plan` chooses a plan for the first demo shop.
import { converse } from "./conversation.js";

await converse(async (shop) => {
  const { URL: url, LIVE_TENANT: tenant, EMAIL, PASSWORD } = shop.settings;
  const login = { tenant, email: EMAIL, password: PASSWORD };
  const { accessToken } = await shop.ask("POST", "/v1/auth/login", "", login);
  const wanted = { plan: "growth", interval: "month", successUrl: `${url}/_local`, cancelUrl: url };
  const page = await shop.ask("POST", "/v1/billing/checkout", accessToken, wanted);
  console.log(`\nPay it here; a test card is filled in:\n\n  ${page.url}`);
});
