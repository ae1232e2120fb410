/** A table made with `tenantTable()`, as a module lists it: the database's rules for it are generated from there. */
export type { TenantTable } from "../../drizzle/table.js";
