import * as z from "zod";
import { typeId } from "../../drizzle/column.js";
import { newTypeId } from "../../drizzle/typeid.js";

const DIGIT = "[0-9a-hjkmnp-tv-z]";
/** Base32 of a UUID of version 7 in the variant of RFC 9562. */
const SUFFIX = `[0-7]${DIGIT}{9}[ef]${DIGIT}{2}[89abrstv]${DIGIT}{12}`;

/**
 * The id of one kind of object: a TypeID (`prd_01h455vb4pex5vsknk084sn02q`), time-ordered, in URLs and JSON; the table
 * keeps the UUIDv7 inside it, in a `column` of type `uuid`. The prefix is declared once, beside the table. An id
 * reveals the time of its creation and is no secret.
 */
export function id<Prefix extends string>(prefix: Prefix) {
  const schema = z
    .string()
    .regex(new RegExp(`^${prefix}_${SUFFIX}$`), `must be an id that begins with "${prefix}_"`)
    .meta({ examples: [`${prefix}_01k9zv7cn3e5wam2jx9t0qhd8r`] });
  return Object.assign(schema, { prefix, create: () => newTypeId(prefix), column: typeId(prefix) });
}
