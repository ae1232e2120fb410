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

const addressLine = (max: number) => z.string().trim().regex(/\S/, "must not be blank").max(max);

export const Address = z
  .strictObject({
    name: addressLine(200),
    company: addressLine(200).optional(),
    line1: addressLine(200),
    line2: addressLine(200).optional(),
    city: addressLine(100),
    state: addressLine(100).optional(),
    postalCode: addressLine(20),
    country: Country,
    phone: addressLine(40).optional(),
  })
  .meta({ id: "Address" });
export type Address = z.infer<typeof Address>;
