import * as z from "zod";

/** ISO 3166-1 alpha-2. */
export const Country = z
  .string()
  .regex(/^[A-Z]{2}$/, "must be an ISO 3166-1 alpha-2 code")
  .meta({ examples: ["DE"] });

/** At most 254 characters (RFC 5321 §4.5.3.1.3, less the brackets); kept as given, without the space around it. */
export const Email = z
  .string()
  .trim()
  .max(254)
  .regex(z.regexes.email, "must be an email address")
  .meta({ format: "email", examples: ["ada@example.com"] });

const line = (max: number) => z.string().trim().regex(/\S/, "must not be blank").max(max);

export const Address = z
  .strictObject({
    name: line(200),
    company: line(200).optional(),
    line1: line(200),
    line2: line(200).optional(),
    city: line(100),
    state: line(100).optional(),
    postalCode: line(20),
    country: Country,
    phone: line(40).optional(),
  })
  .meta({ id: "Address" });
export type Address = z.infer<typeof Address>;
