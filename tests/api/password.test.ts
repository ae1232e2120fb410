import { randomUUID } from "node:crypto";
import { dictionary } from "@zxcvbn-ts/language-common";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { refuseGuessable } from "../../core/identity/index.js";
import { Caller, newTenant, type Tenant, unique } from "../support/client.js";

const visitor = new Caller(inject("system").url, undefined);
let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant();
});

/** What a new tenant's owner, Ada Lovelace of Bright Mugs, is told about a password. */
async function signUp(password: string) {
  const slug = unique("bright-mugs-");
  const { status, body } = await visitor.call("POST", "/v1/auth/signup", {
    headers: { "idempotency-key": randomUUID() },
    body: {
      tenant: { name: "Bright Mugs", slug, currency: "EUR", country: "DE" },
      email: `lovelace.a@${slug}.test`,
      password,
      name: "Ada Lovelace",
    },
  });
  return { status, code: body.code, errors: body.errors };
}

const refused = (detail: string) => ({
  status: 422,
  code: "invalid_request",
  errors: [{ pointer: "/password", detail: `The field \`password\` ${detail}.` }],
});
const guessable = (reason: string) => refused(`is easy to guess (${reason}); add words that are less common`);

describe("a password is refused", () => {
  test.each([
    ["password", "one of the most common passwords"],
    ["pa$$w0rd12", "close to a common password"],
    ["Liverpool2020", "close to a common password"],
    ["trustno1trustno1", "a repeated pattern"],
    ["qwertyuiop", "one of the most common passwords"],
    ["1q2w3e4r5t", "a common password"],
    ["zxcvbnm,./", "a row of the keyboard"],
    ["aaaaaaaaaaaa", "a repeated character"],
    ["abcabcabcabc", "a repeated pattern"],
    ["密码密码密码密码", "a repeated pattern"],
    ["13.05.1984", "a date"],
  ])("%s, as it is easy to guess", async (password, reason) => {
    expect(await signUp(password)).toEqual(guessable(reason));
  });

  test("when it is one of the 3,000 most common ones", async () => {
    const common = dictionary["passwords-common"].slice(0, 3_000);
    const accepted: string[] = [];
    for (const password of [...common, "aa123456", "a1234567", "123456789a"]) {
      const isRefused = await refuseGuessable(password, []).then(
        () => false,
        () => true,
      );
      if (!isRefused) accepted.push(password);
    }
    expect([common.length, accepted]).toEqual([3_000, []]);
    expect((await signUp("123456789a")).status).toBe(422);
  });

  test.each(["BrightMugs", "BrightMugs2026", "Bright Mugs 1", "lovelace.a", "AdaLovelace", "Lovelace1815"])(
    "%s, as it says whose it is",
    async (password) => {
      expect(await signUp(password)).toEqual(guessable("the email address or a name given with it"));
    },
  );

  test("of fewer than 8 or more than 128 characters, however they are written", async () => {
    expect(await signUp("x7Kp2m9")).toEqual(refused("must have at least 8 characters"));
    expect(await signUp("𝕏𝕏𝕏𝕏")).toEqual(refused("must have at least 8 characters"));
    expect(await signUp("correct horse ".repeat(10))).toEqual(refused("must have at most 128 characters"));
    expect(await signUp("x".repeat(1025))).toEqual(refused("must have at most 128 characters"));
    expect(await signUp("\ufdfa".repeat(100))).toEqual(refused("must have at most 128 characters"));
  });

  test("by its first 48 characters, which bounds what it costs to rate it", async () => {
    expect(await signUp(`${"ab".repeat(32)}x7Kp2mQ9vT4r`)).toEqual(guessable("a repeated pattern"));
    expect((await signUp("p4$$w0rd1|@(!3".repeat(9))).status).toBe(201);
  });

  test("when a member is taken on with it, too", async () => {
    const join = (email: string, password: string) =>
      tenant.owner.call("POST", "/v1/admin/members", {
        headers: { "idempotency-key": randomUUID() },
        body: { email, name: "Grace Hopper", role: "MEMBER", password },
      });
    const answer = await join("g.hopper@staff.test", "GraceHopper1906");
    expect([answer.status, answer.body.code, answer.body.errors]).toEqual([
      422,
      "invalid_request",
      guessable("the email address or a name given with it").errors,
    ]);
    expect((await join("g.hopper@staff.test", "nanoseconds of copper wire")).status).toBe(201);
  });
});

test.each([
  "x7Kp2mQ9",
  "correct horse battery staple",
  "purple monkey dish",
  "ходитьвгорода",
  "Bright Mugs, eleven blue kettles",
])("the password %s is accepted", async (password) => {
  expect((await signUp(password)).status).toBe(201);
});
