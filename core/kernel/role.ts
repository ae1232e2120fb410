import * as z from "zod";

/** Roles of members, each including the ones after it. */
export const roles = ["OWNER", "ADMIN", "MEMBER"] as const;
export const Role = z.enum(roles).meta({ id: "Role", description: "OWNER ≥ ADMIN ≥ MEMBER" });
export type Role = z.infer<typeof Role>;
