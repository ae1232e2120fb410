import { malformed } from "../../core/kernel/error.js";

const NAME = /^[a-z0-9_-]{3,50}$/;

/**
 * How a request names its tenant, by id or slug: `x-tenant-id` and `?tenant=`. It chooses only where there is no
 * credential; beside one it must agree.
 * @throws Failure malformed
 */
export function tenantNames({ headers, query }: { headers: Headers; query: URLSearchParams }): string[] {
  const header = headers.get("x-tenant-id");
  const names = [...(header === null ? [] : [header]), ...query.getAll("tenant")].map((name) => name.trim());
  if (names.some((name) => !NAME.test(name)))
    throw malformed("tenant_name_invalid", "`x-tenant-id` and `?tenant=` take a tenant id or a slug.");
  return [...new Set(names)];
}
