import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { tenantUuid } from "../race/race.js";
import { type Body, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";

const path = "/v1/admin/reports/sales";
const admin = administrator();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant();
});

/** An order at each of these instants. */
const place = (instants: readonly string[]) =>
  admin.query(
    `insert into sale_quarter (tenant_id, quarter, currency, orders, gross)
     select $1, floor(extract(epoch from at) / 900), 'JPY', count(*), count(*)
       from unnest($2::timestamptz[]) at group by 2`,
    [tenantUuid(tenant), instants],
  );

describe("the days of a time zone", () => {
  /** A zone that changes its clock at midnight, such with odd offsets, and both ends of the date line. */
  const zones = ["Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe"].concat(
    [
      ...[
        "Asia/Kathmandu",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "Asia/Calcutta",
        "America/St_Johns",
        "Etc/GMT+5",
      ],
    ],
  );
  const dayIn = (zone: string) => {
    const format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" });
    return (instant: number) => format.format(instant);
  };
  const [first, last] = [Date.UTC(2026, 0, 3), Date.UTC(2026, 11, 30)];
  let instants: number[];

  beforeAll(async () => {
    // The quarters of an hour around a change of the clock, and others at random.
    const around = (at: number) => Array.from({ length: 60 }, (_, index) => at + (index - 30) * 1_800_000);
    const changes = [
      "2026-03-08T06:30Z",
      "2026-03-29T01:00Z",
      "2026-10-25T01:00Z",
      "2026-11-01T06:00Z",
      "2026-04-24T00:00Z",
    ];
    const random = fc.sample(fc.integer({ min: first, max: last }), 400);
    instants = [
      ...changes
        .concat("2026-09-06T04:00Z")
        .map((text) => Date.parse(text))
        .flatMap(around),
      ...random,
    ];
    await place(instants.map((instant) => new Date(instant).toISOString()));
  });

  async function countIn(query: string): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: Body = await tenant.get(`${path}?limit=100&currency=JPY&${query}${cursor && `&cursor=${cursor}`}`);
      for (const { day, orders, gross } of page.data) {
        expect([counts[day], gross.amount]).toEqual([undefined, orders]);
        counts[day] = orders;
      }
      cursor = page.nextCursor;
    }
    return counts;
  }

  test.each(zones)("are those of its clock: %s", async (zone) => {
    const dayOf = dayIn(zone);
    const model: Record<string, number> = {};
    for (const instant of instants) model[dayOf(instant)] = (model[dayOf(instant)] ?? 0) + 1;
    expect(await countIn(`from=2026-01-01&to=2026-12-31&timeZone=${encodeURIComponent(zone)}`)).toEqual(model);
    if (zone !== zones[0] && zone !== "Africa/Cairo") return;
    // A range cuts at the midnights of the zone, and loses nothing between two ranges.
    const months = ["01-01&to=2026-03-28", "03-29&to=2026-10-24", "10-25&to=2026-12-31"];
    const parts = [];
    for (const month of months) parts.push(await countIn(`from=2026-${month}&timeZone=${encodeURIComponent(zone)}`));
    expect(Object.assign({}, ...parts)).toEqual(model);
  });

  test("are by default those of the tenant", async () => {
    expect((await tenant.get("/v1/admin/tenant")).timeZone).toBe("UTC");
    expect((await tenant.patch("/v1/admin/tenant", { timeZone: "Pacific/Kiritimati" })).timeZone).toBe(
      "Pacific/Kiritimati",
    );
    const query = "from=2026-06-01&to=2026-06-30";
    expect(await countIn(query)).toEqual(await countIn(`${query}&timeZone=Pacific/Kiritimati`));
    expect((await tenant.get(`${path}?${query}&currency=JPY`)).data[0]?.timeZone).toBe("Pacific/Kiritimati");
    expect(await tenant.outcome("PATCH", "/v1/admin/tenant", { body: { timeZone: "Mars/Olympus" } })).toBe(
      "422 invalid_request",
    );
  });

  test("are known to the database, each that is accepted", async () => {
    const all = Intl.supportedValuesOf("timeZone");
    const { rows } = await admin.query(
      `select zone, to_char(timestamptz '2026-07-01T12:00Z' at time zone zone, 'YYYY-MM-DD HH24:MI') as local
         from unnest($1::text[]) zone`,
      [all],
    );
    const format = (timeZone: string) =>
      new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" }).format(
        Date.UTC(2026, 6, 1, 12),
      );
    expect(rows.filter(({ zone, local }) => format(zone) !== local)).toEqual([]);
  });
});
