import { domainToASCII, domainToUnicode } from "node:url";
import * as z from "zod";

/** The part before the @ (RFC 5321 dot-string; RFC 6531 adds all characters beyond ASCII that are letters or marks). */
const MAILBOX = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const DOMAIN = /^[\p{L}\p{M}\p{N}-]+(?:\.[\p{L}\p{M}\p{N}-]+)+$/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ASCII = /^[\x21-\x7e]+$/;
const bytes = (text: string) => Buffer.byteLength(text);

const split = (email: string): [string, string] => {
  const at = email.lastIndexOf("@");
  return [email.slice(0, Math.max(at, 0)), email.slice(at + 1)];
};

/** The domain as mail servers know it: `xn--…` for the parts beyond ASCII; empty when it is none. */
function asciiDomain(domain: string): string {
  if (!DOMAIN.test(domain)) return "";
  const ascii = domainToASCII(domain);
  const labels = ascii.split(".");
  const isSound = labels.length > 1 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? "");
  return isSound && ascii.length <= 253 ? ascii : "";
}

/** Whether a mail server could take the address: HTML's rule for `<input type=email>`, and RFC 6531 beyond ASCII. */
function isEmail(email: string): boolean {
  const [mailbox, domain] = split(email);
  const ascii = asciiDomain(domain);
  return ascii !== "" && MAILBOX.test(mailbox) && bytes(mailbox) <= 64 && bytes(mailbox) + 1 + ascii.length <= 254;
}

/**
 * The form in which addresses are compared: lower case, and the domain in ASCII. `Info@München.de` and
 * `info@xn--mnchen-3ya.de` are one address.
 */
export function foldEmail(email: string): string {
  const [mailbox, domain] = split(email.normalize("NFC"));
  return `${mailbox.toLowerCase()}@${asciiDomain(domain)}`;
}

/**
 * The address as it is handed to the provider of mail. Undefined when its mailbox is not ASCII: Amazon SES knows no
 * SMTPUTF8 (RFC 6531), so that nothing can be sent there.
 */
export function deliverableEmail(email: string): string | undefined {
  const [mailbox, domain] = split(email);
  return ASCII.test(mailbox) ? `${mailbox}@${asciiDomain(domain)}` : undefined;
}

/** The forms in which an address may have been kept: as given, and with its domain in ASCII and in its own script. */
export function spellingsOf(email: string): readonly [string, string, string] {
  const [mailbox, domain] = split(email);
  const ascii = asciiDomain(domain);
  return [email, `${mailbox}@${ascii}`, `${mailbox}@${domainToUnicode(ascii)}`];
}

/** An email address, kept as given; its domain may be written in any script. */
export const Email = z
  .string()
  .max(254)
  .overwrite((text) => text.normalize("NFC").trim())
  .refine(isEmail, "must be an email address")
  .meta({ format: "idn-email", examples: ["ada@example.com"] });

/** The address by which a member logs in, in the form in which addresses are compared. Mail has to reach it. */
export const LoginEmail = Email.refine(
  (email) => !isEmail(email) || deliverableEmail(email) !== undefined,
  "must have a part before the @ that is ASCII: mails cannot be sent to others",
)
  .transform(foldEmail)
  .meta({ examples: ["ada@example.com"] });
