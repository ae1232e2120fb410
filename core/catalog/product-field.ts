import * as z from "zod";
import { pageQuery } from "../kernel/page.js";
import { name, prose } from "../kernel/text.js";
import { TaxClassId } from "../tax/tax.sql.js";
import { productStatuses } from "./catalog.sql.js";

export const Status = z.enum(productStatuses).meta({ description: "Only `active` products are visible to shoppers" });
export const Name = name(200).describe("The name, as shoppers read it: Enamel mug");
export const Description = prose(20_000).describe("Plain text of several lines, for shoppers");
export const TaxClass = TaxClassId.nullable().describe("null: the tenant's default class");

export const ProductPage = pageQuery({
  status: Status.optional(),
  expand: z.enum(["variants"]).optional().describe("Also answers the variants of each product, with their prices"),
});
