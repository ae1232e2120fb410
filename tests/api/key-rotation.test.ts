import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, test } from "vitest";
import type { Purpose } from "../../core/kernel/data-key.js";
import { accountKey, addressKey } from "../../core/rate/index.js";
import { createApp } from "../../functions/http/app.js";
import { modules } from "../../functions/modules/index.js";
import { type Body, newTenant, password, type Tenant } from "../support/client.js";
import { outcome } from "../support/outcome.js";

/** The API in this process, whose keys are replaced as an operator replaces them: docs/guides/secrets.md. */
const app = createApp(modules);
const { appUrl, proxy, url } = inject("system");

const dataKeys = { old: newDataKey(), new: newDataKey() };
const tokenKeys = { old: newTokenKey("old"), new: newTokenKey("new") };
type Name = keyof typeof dataKeys;

function newDataKey() {
  return randomBytes(32).toString("base64url");
}
function newTokenKey(kid: string) {
  const { crv, d, x, kty } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  return { kty, crv, x, d, kid };
}

/** Deploys these keys; the first one is in use. */
function deploy(...names: Name[]): void {
  Object.assign(process.env, {
    ...{ STAGE: "test", DATABASE_URL: appUrl, NEON_PROXY: proxy, PUBLIC_URL: url },
    DATA_KEY: names.map((name) => dataKeys[name]).join(),
    TOKEN_KEYS: JSON.stringify({ keys: names.map((name) => tokenKeys[name]) }),
  });
}

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

async function ask(method: string, path: string, credential?: string, body?: Body, headers = {}) {
  const authorization = credential ? { authorization: `Bearer ${credential}` } : {};
  const type = body ? { "content-type": "application/json", body: JSON.stringify(body) } : undefined;
  const response = await app.request(path, {
    method,
    headers: { ...authorization, ...(type && { "content-type": type["content-type"] }), ...headers },
    ...(type && { body: type.body }),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}

const logIn = async () => {
  const member = { tenant: tenant.slug, email: tenant.ownerEmail, password };
  return (await ask("POST", "/v1/auth/login", undefined, member)).body;
};
const refresh = (refreshToken: string) => ask("POST", "/v1/auth/refresh", undefined, { refreshToken });

interface Proof {
  /** Makes something with the first key; answers how it is used. */
  make(): Promise<() => Promise<string>>;
  holds: string;
  gone: string;
}

/** What the keys make. A purpose that stands neither here nor below does not compile. */
const proofs = {
  "access-token": {
    make: async () => {
      const { accessToken } = await logIn();
      return async () => outcome(await ask("GET", "/v1/auth/me", accessToken));
    },
    holds: "200",
    gone: "401 token_invalid",
  },
  cursor: {
    make: async () => {
      const path = "/v1/admin/api-keys?limit=1";
      const { nextCursor } = (await ask("GET", path, tenant.credential)).body;
      return async () => outcome(await ask("GET", `${path}&cursor=${nextCursor}`, tenant.credential));
    },
    holds: "200",
    gone: "400 cursor_invalid",
  },
  answer: {
    make: async () => {
      const headers = { "idempotency-key": randomUUID() };
      const repeat = () =>
        ask("POST", "/v1/admin/api-keys", tenant.credential, { kind: "secret", name: "new" }, headers);
      const { key } = (await repeat()).body;
      return async () => {
        const { status, body } = await repeat();
        return body.key === undefined ? outcome({ status, body }) : `${body.key === key ? "the same" : "another"} key`;
      };
    },
    holds: "the same key",
    gone: "409 idempotency_answer_lost",
  },
  "refresh-token": {
    make: async () => {
      const { refreshToken } = await logIn();
      const child = (await refresh(refreshToken)).body.refreshToken;
      return async () => {
        const { status, body } = await refresh(refreshToken); // as a second tab does
        if (status !== 200) return outcome({ status, body });
        return body.refreshToken === child ? "the same child" : "another child";
      };
    },
    holds: "the same child",
    gone: "401 refresh_token_invalid",
  },
} satisfies Partial<Record<Purpose | "access-token", Proof>>;

/** Hashes are compared with younger ones only, so that limits of an address begin anew with a new key. */
const hashes: Record<Exclude<Purpose, keyof typeof proofs | "key-id">, () => string> = {
  account: () => accountKey("ada@example.com"),
  address: () => addressKey("192.0.2.1"),
};

describe.each(Object.entries(proofs))("what a key made for the purpose %s", (_, { make, holds, gone }) => {
  test("holds while the key is there, in use or not, and no longer", async () => {
    deploy("old");
    const use = await make();
    deploy("old", "new"); // the new key opens texts everywhere, before it makes any
    expect(await use()).toBe(holds);
    deploy("new", "old");
    expect(await use()).toBe(holds);
    deploy("new");
    expect(await use()).toBe(gone);
  });

  test("holds also where the deployment that uses the new key has not arrived yet", async () => {
    deploy("new", "old");
    const use = await make();
    deploy("old", "new");
    expect(await use()).toBe(holds);
    deploy("new");
    expect(await use()).toBe(holds);
    deploy("old");
    expect(await use()).toBe(gone);
  });
});

test.each(Object.entries(hashes))("the hash of the purpose %s follows the key in use", (_, compute) => {
  const hashWith = (...names: Name[]) => {
    deploy(...names);
    return compute();
  };
  const [before, after] = [hashWith("old"), hashWith("new")];
  expect(before).not.toBe(after);
  expect([hashWith("old", "new"), hashWith("new", "old")]).toEqual([before, after]);
});

test("the published key set has the public half of each key that verifies", async () => {
  deploy("new", "old");
  const { keys } = (await ask("GET", "/.well-known/jwks.json")).body;
  expect(keys.map(({ kid, d }: Body) => [kid, d])).toEqual([
    ["new", undefined],
    ["old", undefined],
  ]);
});
