import * as z from "zod";

/** A name of the IANA database. Offsets such as `+02:00` are none: Postgres counts them westwards. */
const shape = /^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/;

function isKnown(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

export const TimeZone = z
  .string()
  .max(64)
  .regex(shape, { message: "must be the name of a time zone, such as Europe/Berlin", abort: true })
  .refine(isKnown, "is not a time zone of the IANA database, such as Europe/Berlin")
  .meta({ examples: ["Europe/Berlin"], description: "A time zone by its name in the IANA database" });
