import * as z from "zod";
import { planCodes } from "../entitlement/entitlement.sql.js";
import { intervals } from "../entitlement/index.js";
import { defineEvent } from "../kernel/event/index.js";
import { tenantAccesses, tenantStatuses } from "../tenant/tenant.sql.js";
import { causes } from "./status.js";

export const TenantStatusChanged = defineEvent(
  "tenant.status_changed",
  z.object({
    from: z.enum(tenantStatuses),
    to: z.enum(tenantStatuses),
    access: z.enum(tenantAccesses),
    cause: z.enum(causes),
  }),
);

/** The subscription at Stripe has changed. */
export const SubscriptionUpdated = defineEvent(
  "subscription.updated",
  z.object({
    plan: z.enum(planCodes),
    interval: z.enum(intervals).nullable(),
    status: z.string().nullable(),
    currentPeriodEnd: z.string().nullable(),
    cancelAt: z.string().nullable(),
  }),
);
