import { beforeAll, describe, expect, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { type Body, eventually, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { cartOf } from "../support/stripe.js";

const path = "/v1/admin/mails";
const admin = administrator();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant();
});

/** The mail of a new order to this address. */
async function mailTo(email: string): Promise<Body> {
  const { cart } = await cartOf(tenant);
  await cart.change({ email });
  await cart.complete();
  const find = async () => (await tenant.get(path)).data.find(({ recipient }: Body) => recipient === email);
  return eventually(async () => {
    const mail = await find();
    return mail && mail.status !== "sending" && mail;
  }, 30_000);
}

describe("a mail", () => {
  test("is listed with its text, which begins with no word of the shopper", async () => {
    const mail = await mailTo("ada@example.com");
    expect(mail).toMatchObject({ status: "sent", reason: null });
    expect(mail.text.split("\n")[0]).not.toMatch(/Ada/);
    expect(mail.text).toMatch(/Shipping address:\nAda Lovelace\n/);
    expect((await tenant.get(`${path}?status=suppressed`)).data).toEqual([]);
  });

  test("of test mode goes to members only; any other is kept with the reason", async () => {
    await admin.query("update tenant set livemode = false where tenant_id = $1", [typeIdToUuid("ten", tenant.id)]);
    expect(await mailTo("eve@example.com")).toMatchObject({ status: "suppressed", reason: "test_mode" });
    expect(await mailTo(tenant.ownerEmail)).toMatchObject({ status: "sent" });
  });
});
