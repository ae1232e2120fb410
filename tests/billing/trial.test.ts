import { beforeAll, describe, expect, test } from "vitest";
import { Billing } from "../../core/billing/index.js";
import { plans } from "../../core/entitlement/plan.js";
import { ownSystem, settle, tenantsOf } from "../messages/system.js";
import { tenantUuid } from "../race/race.js";
import { Caller, newMember, password, type Tenant } from "../support/client.js";
import { asSystemOf, eventsOf, holdTable, letDaysPass, mailsTo, standingOf, subscriptionOf } from "./account.js";

const own = ownSystem({ schedules: false });
let mine: Tenant;
let theirs: Tenant;
let second: { email: string };

beforeAll(async () => {
  [mine, theirs] = (await tenantsOf(own.host, 2)) as [Tenant, Tenant];
  const { id } = await newMember(mine, "OWNER");
  await newMember(mine, "ADMIN");
  second = (await mine.owner.get("/v1/admin/members?limit=100")).data.find((one: { id: string }) => one.id === id);
  await settle(own.host);
});

const sweep = () => own.host.runSchedule("sweep");
/** How often each kind of letter went to both owners of the tenant. */
const letters = () => {
  const all = [...mailsTo(own.host, mine), ...mailsTo(own.host, { ...mine, ownerEmail: second.email } as Tenant)];
  return all.map(({ subject }) => subject.replaceAll(/Shop \S+/g, "SHOP"));
};

describe("a trial", () => {
  test("begins with the tenant, by the clock of the database, and test mode is free", async () => {
    const { data: plansForSale } = await new Caller(own.host.url, undefined).get("/v1/billing/plans");
    expect(plansForSale.map(({ code }: { code: string }) => code)).toEqual(["starter", "growth", "scale"]);
    const { trialEndsAt, ...shown } = await subscriptionOf(mine);
    expect(shown).toMatchObject({
      plan: "trial",
      status: "trial",
      access: "full",
      subscriptionStatus: null,
      owedSince: null,
      nextStep: { kind: "reminder" },
    });
    const [row] = await own.host.admin.query(
      `select trial_ends_at - t.created_at = interval '14 days' as exact from subscription join tenant t using (tenant_id)
        where tenant_id = $1`,
      [tenantUuid(mine)],
    );
    expect(row).toEqual({ exact: true });
    expect(Date.parse(trialEndsAt)).toBeGreaterThan(Date.now() + 13.9 * 86_400_000);
    const login = { tenant: `${mine.slug}-test`, email: mine.ownerEmail, password };
    const { accessToken } = await new Caller(own.host.url, undefined).post("/v1/auth/login", login);
    const twin = new Caller(own.host.url, accessToken);
    expect(await twin.get("/v1/billing/subscription")).toMatchObject({
      plan: "sandbox",
      trialEndsAt: null,
      nextStep: null,
    });
    const pages = { successUrl: "https://example.com/a", cancelUrl: "https://example.com/b" };
    const refused = await Promise.all([
      twin.call("POST", "/v1/billing/checkout", { body: { plan: "growth", interval: "month", ...pages } }),
      twin.call("POST", "/v1/billing/portal", { body: { returnUrl: "https://example.com" } }),
      twin.call("POST", "/v1/billing/cancel"),
      twin.call("GET", "/v1/billing/invoices"),
    ]);
    expect(refused.map(({ status, body }) => `${status} ${body.code}`)).toEqual(Array(4).fill("409 billing.test_mode"));
  });

  test("that nobody pays for runs the steps of dunning: notices, grace, read only, suspension, the end", async () => {
    const { graceDays, readOnlyDays, suspendDays } = plans.trial.dunning;
    const walked: [number, string, number][] = [];
    let before = 0;
    let done = 0;
    for (const days of [0, 11, 14, 17, 20, 14 + graceDays, 14 + graceDays + readOnlyDays, 35 + suspendDays, 300]) {
      await letDaysPass(own.host, mine, days - before);
      before = days;
      await sweep();
      await settle(own.host);
      const all = letters();
      walked.push([days, await standingOf(mine), all.length - done]);
      done = all.length;
    }
    // Two owners, a letter each; the ADMIN gets none.
    expect(walked).toEqual([
      [0, "trial full", 0],
      [11, "trial full", 2],
      [14, "past_due full", 2],
      [17, "past_due full", 2],
      [20, "past_due full", 2],
      [21, "past_due read_only", 2],
      [35, "suspended blocked", 2],
      [95, "closing blocked", 2],
      [300, "closing blocked", 0],
    ]);
    expect([...new Set(letters())]).toEqual([
      "The trial of SHOP",
      "SHOP is read-only",
      "SHOP is suspended",
      "SHOP is closing",
    ]);
    expect(await eventsOf(own.host, mine, "tenant.status_changed")).toEqual([
      { from: "trial", to: "past_due", access: "full", cause: "owed" },
      { from: "past_due", to: "past_due", access: "read_only", cause: "owed" },
      { from: "past_due", to: "suspended", access: "blocked", cause: "overdue" },
      { from: "suspended", to: "closing", access: "blocked", cause: "ended" },
    ]);
  });

  test("closes the doors to whoever writes, and never those of billing", async () => {
    expect((await mine.owner.call("GET", "/v1/admin/products")).status).toBe(200);
    expect((await mine.owner.call("POST", "/v1/admin/products", { body: { name: "Late" } })).status).toBe(403);
    expect((await subscriptionOf(mine)).status).toBe("closing");
    const pages = { successUrl: "https://example.com/a", cancelUrl: "https://example.com/b" };
    const body = { plan: "growth", interval: "month", ...pages };
    const checkout = await mine.owner.call("POST", "/v1/billing/checkout", { body });
    expect([checkout.status, checkout.body.url]).toEqual([200, expect.stringMatching(/^http/)]);
    expect(await standingOf(mine)).toBe("closing blocked");
  });

  test("of another tenant is not touched", async () => {
    expect(await standingOf(theirs)).toBe("trial full");
    expect(mailsTo(own.host, theirs)).toEqual([]);
    expect(await eventsOf(own.host, theirs, "tenant.status_changed")).toEqual([]);
  });
});

describe("a step", () => {
  const notices = async (tenant: Tenant) => {
    const rows = await own.host.admin.query(
      "select payload ->> 'kind' as kind from job where tenant_id = $1 and name = 'billing.notice-mail' order by id",
      [tenantUuid(tenant)],
    );
    return rows.map(({ kind }) => kind);
  };

  test("is done once, also by two workers at once, and after a kill in its middle", async () => {
    const { pools } = own.host;
    await letDaysPass(own.host, theirs, 21);
    // Its letters are not written yet, and its row is locked: what is killed here has done nothing.
    const killed = await holdTable(own.host, "member");
    const first = sweep().catch(() => undefined);
    await killed.waiting();
    pools.schedule.killAll();
    await first;
    await killed.release();
    expect([await standingOf(theirs), await notices(theirs)]).toEqual(["trial full", []]);

    const raced = await holdTable(own.host, "job");
    const walking = sweep();
    await raced.waiting();
    // Whoever comes while a step is being made leaves it to whoever makes it.
    expect(await asSystemOf(own.host, theirs.id, () => Billing.advanceDunning())).toBe(0);
    await raced.release();
    await Promise.all([walking, asSystemOf(own.host, theirs.id, () => Billing.advanceDunning())]);
    await settle(own.host);
    expect(await standingOf(theirs)).toBe("past_due read_only");
    expect(await notices(theirs)).toEqual(["reminder", "reminder", "reminder", "reminder", "read_only"]);
    const moves = await eventsOf(own.host, theirs, "tenant.status_changed");
    expect(moves).toEqual([{ from: "trial", to: "past_due", access: "read_only", cause: "owed" }]);
    await sweep();
    expect(await notices(theirs)).toHaveLength(5);
  });
});
