import { sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { productTable } from "./catalog.sql.js";

export const Slug = z
  .string()
  .max(100)
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, "must be lower-case letters, digits and single hyphens")
  .meta({ examples: ["enamel-mug"] });

/**
 * A slug in ASCII from a name in any script: `Émail Mug №1` → `email-mug-no1`, `Кофейная кружка` → `kofeynaya-kruzhka`,
 * `咖啡杯` → `kafeibei`. A name that no letter can be read from (`!!!`) gives `product`.
 */
export async function slugOf(name: string): Promise<string> {
  const { default: toAscii } = await import("any-ascii");
  const plain = toAscii(name.normalize("NFKC")).toLowerCase().replaceAll("'", "");
  const slug = plain.replace(/[^a-z0-9]+/g, "-").slice(0, 80);
  return slug.replace(/^-+|-+$/g, "") || "product";
}

/** The next free one of `mug-2`, `mug-3`, … as far as this transaction can see. */
export async function nextSlug(tx: Tx, base: string): Promise<string> {
  const numbered = sql`${productTable.slug} ~ ${`^${base}-[0-9]{1,8}$`}`;
  const number = sql<number>`coalesce(max(substring(${productTable.slug} from '[0-9]+$')::int), 1) + 1`;
  const [next] = await tx.select({ number }).from(productTable).where(numbered);
  return `${base}-${next?.number ?? 2}`;
}
