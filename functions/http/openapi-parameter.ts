import * as z from "zod";
import { singular } from "./operation-name.js";

/** `/v1/store/carts/{id}/lines/{lineId}` → `{ id: "cart", lineId: "line" }`: a collection stands before its ids. */
const nounsOf = (path: string): Record<string, string> =>
  Object.fromEntries(
    [...path.matchAll(/([\w-]+)\/\{(\w+)\}/g)].map(([, nouns = "", name = ""]) => [
      name,
      singular(nouns).replaceAll("-", " "),
    ]),
  );

/** The parameters of a path with a description each: the collection before an id says what it is the id of. */
export function describeParams(path: string, params: z.ZodObject): z.ZodObject {
  const nouns = nounsOf(path);
  const described = Object.entries(params.shape).map(([name, schema]: [string, z.ZodType]) => {
    const known = z.globalRegistry.get(schema)?.description;
    return [name, known ? schema : schema.describe(`The id of the ${nouns[name]}`)] as const;
  });
  return z.strictObject(Object.fromEntries(described));
}
