import { beforeAll, expect, test } from "vitest";
import { newTypeId, uuidToTypeId } from "../../drizzle/typeid.js";
import { tenantUuid } from "../race/race.js";
import { type Body, eventually, newMember, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { expectPages } from "../support/list.js";
import { outcome, tally } from "../support/outcome.js";

const path = "/v1/admin/jobs";
const admin = administrator();
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  await eventually(async () => (await list("&status=succeeded")).length > 0); // of the tenant's beginning
});

const list = async (query = ""): Promise<Body[]> => (await mine.get(`${path}?limit=100${query}`)).data;

/** A job in a status in which no worker touches it: the hour at which it is due has not come. */
async function newJob(status: string, more: { attempts?: number; lastError?: string } = {}): Promise<string> {
  const { rows } = await admin.query(
    `insert into job (tenant_id, id, name, payload, status, request_id, attempts, last_error, due_at, lease_until, finished_at)
     values ($1, uuidv7(), 'test.waits', '{}', $2, 'req_test', $3, $4, now() + interval '1 hour',
       case when $2 = 'running' then now() + interval '1 hour' end, case when $2 = 'failed' then now() end) returning id`,
    [tenantUuid(mine), status, more.attempts ?? 0, more.lastError ?? null],
  );
  return uuidToTypeId("job", rows[0].id);
}

test("a job says what it is, how far it has come, and when it ended", async () => {
  const [job] = await list("&status=succeeded");
  expect(job).toMatchObject({
    name: expect.stringMatching(/^[a-z]+\.[a-z-]+$/),
    status: "succeeded",
    progress: { done: 1, total: 1 },
    attempts: 1,
    lastError: null,
    finishedAt: expect.any(String),
  });
  expect(job).not.toHaveProperty("payload");
  expect(await mine.get(`${path}/${job?.id}`)).toEqual(job);
});

test("jobs are found by status, the newest first, page by page", async () => {
  const queued = await newJob("queued");
  const running = await newJob("running", { attempts: 1 });
  const failed = await newJob("failed", { attempts: 8, lastError: "The provider is down." });
  const idsOf = async (status: string) => (await list(`&status=${status}`)).map(({ id }) => id);
  expect([await idsOf("queued"), await idsOf("running"), await idsOf("failed")]).toEqual([
    [queued],
    [running],
    [failed],
  ]);
  expect(await mine.get(`${path}/${failed}`)).toMatchObject({ attempts: 8, lastError: "The provider is down." });
  const all = await list();
  expect(all.map(({ id }) => id).slice(0, 3)).toEqual([failed, running, queued]);
  await expectPages(mine, path, "status=failed");
  expect(outcome(await mine.call("GET", `${path}?status=lost`))).toBe("422 invalid_request");
});

test("a job that nobody has, or another tenant, is not found", async () => {
  const [job] = await list();
  const answers = [
    await mine.call("GET", `${path}/${newTypeId("job")}`),
    await theirs.call("GET", `${path}/${job?.id}`),
  ];
  expect(tally(answers)).toEqual({ "404 job.not_found": 2 });
  const member = await newMember(mine, "MEMBER");
  expect(outcome(await member.call("GET", path))).toBe("403 forbidden");
});
