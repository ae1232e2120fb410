import { test } from "vitest";
import { ownSystem, tenantsOf } from "../../messages/system.js";
import { errorsOf, offer, stripeOf } from "../account.js";
const own = ownSystem({ schedules: false });
test("probe", async () => {
  const [t] = await tenantsOf(own.host, 1);
  const a = await t!.owner.call("POST", "/v1/billing/checkout", { body: offer("growth") });
  console.log(a.text, errorsOf(own.host), stripeOf(own.host).requests().map((r: object) => JSON.stringify(r)));
});
