import { beforeAll, describe, expect, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { newTenant, type Tenant } from "../support/client.js";
import { ownHost, quiet } from "../support/host.js";
import { connectAccount, deliver, eventOf, jobsOf, stored } from "../support/webhook.js";

const host = ownHost(quiet);
let mine: Tenant;
let theirs: Tenant;
/** Mine in test mode, theirs in live mode. */
let account: string;
let live: string;

beforeAll(async () => {
  [mine, theirs] = await Promise.all([newTenant({}, host().url), newTenant({}, host().url)]);
  account = await connectAccount(host(), mine.id);
  live = await connectAccount(host(), theirs.id, undefined, true);
}, 60_000);

const event = (more = {}) => eventOf({ account, ...more });
const uuid = (tenant: Tenant) => typeIdToUuid("ten", tenant.id);

describe("the tenant is whom our own tables name", () => {
  const quarantined = (reason: string) => ({ state: "quarantined", reason, tenant: null });
  async function aside(each: ReturnType<typeof eventOf>, endpoint: "platform" | "connect", reason: string) {
    const answer = await deliver(host(), each, endpoint);
    expect([answer.status, answer.body]).toEqual([200, { status: "quarantined" }]);
    expect(await stored(host(), each.id)).toMatchObject({ ...quarantined(reason), endpoint });
    expect(await jobsOf(host(), each.id)).toEqual([]);
  }

  test("never whom the metadata names", async () => {
    const named = { tenantId: theirs.id, tenant: theirs.slug, tenant_id: uuid(theirs), account: live };
    const each = event({ object: { metadata: named, on_behalf_of: live }, metadata: named });
    expect((await deliver(host(), each)).body).toEqual({ status: "queued" });
    expect(await jobsOf(host(), each.id)).toMatchObject([{ tenant: uuid(mine), payload: { account } }]);
  });

  test("found, stored and made a job in one statement and one round trip", async () => {
    await deliver(host(), event()); // an environment looks at its role once
    host().bridge.reset();
    expect((await deliver(host(), event())).body).toEqual({ status: "queued" });
    expect(host().bridge.counts()).toEqual({ roundTrips: 1, statements: 1, connections: 0 });
  });

  test("an account that nobody has is put aside", () => aside(eventOf(), "connect", "unknown_account"));

  test("an account of the other mode too: a test event never acts on a live shop", async () => {
    await aside(eventOf({ account: live, livemode: false }), "connect", "livemode_mismatch");
    await aside(event({ livemode: true }), "connect", "livemode_mismatch");
    const right = eventOf({ account: live, livemode: true });
    expect((await deliver(host(), right)).body).toEqual({ status: "queued" });
    expect(await jobsOf(host(), right.id)).toMatchObject([{ tenant: uuid(theirs) }]);
  });

  test("an event of a connected account on the platform's endpoint too, and the reverse", async () => {
    await aside(event({ type: "checkout.session.completed" }), "platform", "wrong_endpoint");
    await aside(eventOf({ account: undefined }), "connect", "wrong_endpoint");
    await aside(eventOf({ account: null }), "connect", "wrong_endpoint");
  });

  test("an event of the platform goes by the customer, which its object names or is", async () => {
    await host().admin.query(
      "insert into subscription (tenant_id, customer, livemode, plan) values ($1, 'cus_mine', false, 'starter')" +
        " on conflict (tenant_id) do update set customer = excluded.customer, livemode = excluded.livemode",
      [uuid(mine)],
    );
    const platform = (type: string, object: object) => eventOf({ account: undefined, type, object: { ...object } });
    const parent = { subscription_details: { subscription: "sub_1" } };
    const invoice = { id: "in_1", object: "invoice", customer: "cus_mine", parent };
    const session = { id: "cs_1", object: "checkout.session", customer: { id: "cus_mine" }, subscription: "sub_1" };
    const cases: [ReturnType<typeof eventOf>, object][] = [
      [platform("invoice.paid", invoice), { customer: "cus_mine", subscription: "sub_1" }],
      [platform("checkout.session.completed", session), { customer: "cus_mine", subscription: "sub_1" }],
      [platform("customer.deleted", { id: "cus_mine", object: "customer" }), { customer: "cus_mine" }],
    ];
    for (const [each, related] of cases) {
      expect((await deliver(host(), each, "platform")).body).toEqual({ status: "queued" });
      expect(await jobsOf(host(), each.id)).toMatchObject([
        { tenant: uuid(mine), payload: { endpoint: "platform", account: null, related } },
      ]);
    }
    const ofNobody = { id: "in_2", object: "invoice", metadata: { customer: "cus_mine" } };
    await aside(platform("invoice.paid", { ...ofNobody, customer: "cus_other" }), "platform", "unknown_customer");
    await aside(platform("invoice.paid", { ...ofNobody, customer: null }), "platform", "unknown_customer");
    await aside({ ...platform("invoice.paid", invoice), livemode: true }, "platform", "livemode_mismatch");
  });

  test("an account that took its permission back is still the tenant's", async () => {
    await host().admin.query("update payment_account set status = 'deauthorized' where account = $1", [account]);
    const each = event({ type: "account.application.deauthorized", object: { id: "ca_1", object: "application" } });
    expect((await deliver(host(), each)).body).toEqual({ status: "queued" });
  });
});
