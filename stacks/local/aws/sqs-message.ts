import { createHash } from "node:crypto";
import * as z from "zod";
import { AwsError } from "./aws-json.js";

/** `BinaryValue` is base64, as on the wire. */
export const Attributes = z.record(
  z.string(),
  z.object({ DataType: z.string(), StringValue: z.string().optional(), BinaryValue: z.string().optional() }),
);
export type Attributes = z.output<typeof Attributes>;

export interface Message {
  readonly id: string;
  readonly body: string;
  readonly attributes: Attributes;
  readonly trace?: string | undefined;
  readonly group?: string | undefined;
  /** Milliseconds since 1970; a dead letter keeps it, so its retention is not extended. */
  readonly sent: number;
  /** ARN of a dead letter's source queue. */
  readonly source?: string | undefined;
  receives: number;
  firstReceived?: number | undefined;
}

export interface Received {
  readonly handle: string;
  readonly message: Message;
}

export interface ReceiveOptions {
  readonly max: number;
  /** Seconds. */
  readonly visibility?: number | undefined;
  /** Real seconds, independent of the local clock. */
  readonly wait?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const invalid = (detail: string) => new AwsError("InvalidParameterValue", detail);

export function requireRange(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw invalid(`Value ${value} for parameter ${name} is invalid. Reason: Must be between ${least} and ${most}.`);
}

export const md5 = (text: string) => createHash("md5").update(text).digest("hex");

const bytesOf = ({ StringValue, BinaryValue }: Attributes[string]) =>
  BinaryValue === undefined ? Buffer.from(StringValue ?? "") : Buffer.from(BinaryValue, "base64");

/** SQS developer guide, "Calculating the MD5 message digest for message attributes": sorted, length-prefixed. */
export function md5OfAttributes(attributes: Attributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash("md5");
  const add = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const attribute = attributes[name];
    if (!attribute) continue;
    add(Buffer.from(name));
    add(Buffer.from(attribute.DataType));
    hash.update(Buffer.of(attribute.BinaryValue === undefined ? 1 : 2));
    add(bytesOf(attribute));
  }
  return hash.digest("hex");
}

export function sizeOf(body: string, attributes: Attributes): number {
  let size = Buffer.byteLength(body);
  for (const [name, attribute] of Object.entries(attributes))
    size += Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType) + bytesOf(attribute).length;
  return size;
}

// The characters of XML 1.0, a rule that remains from the older protocol.
const badCharacters = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

function checkAttribute(name: string, attribute: Attributes[string]) {
  if (!/^[\w.-]{1,256}$/.test(name) || /^(aws|amazon)\./i.test(name) || /^\.|\.$|\.\./.test(name))
    throw invalid(`The message attribute name '${name}' is invalid.`);
  if (!/^(String|Number|Binary)(\..+)?$/.test(attribute.DataType))
    throw invalid(
      `The type of message attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
    );
  const binary = attribute.DataType.startsWith("Binary");
  if (binary !== (attribute.BinaryValue !== undefined) || bytesOf(attribute).length === 0)
    throw invalid(`The message attribute '${name}' must contain a non-empty value of its type.`);
  if (attribute.DataType.startsWith("Number") && !Number.isFinite(Number(attribute.StringValue)))
    throw invalid(`Can't cast the value of message attribute '${name}' to a number.`);
  if (attribute.StringValue !== undefined) checkCharacters(attribute.StringValue);
}

function checkCharacters(text: string) {
  if (!badCharacters.test(text)) return;
  throw new AwsError(
    "InvalidMessageContents",
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.",
  );
}

/** Checks a message's content, attributes, group and size. @throws AwsError with SQS's code */
export function checkMessage(message: Pick<Message, "body" | "attributes" | "group">, largest: number) {
  if (message.body === "")
    throw new AwsError("MissingParameter", "The request must contain the parameter MessageBody.");
  checkCharacters(message.body);
  const attributes = Object.entries(message.attributes);
  if (attributes.length > 10) throw invalid("Number of message attributes exceeds the allowed maximum [10].");
  for (const [name, attribute] of attributes) checkAttribute(name, attribute);
  if (message.group !== undefined && !/^[!-~]{1,128}$/.test(message.group))
    throw invalid(
      `Value ${message.group} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
    );
  if (sizeOf(message.body, message.attributes) > largest)
    throw invalid(`One or more parameters are invalid. Reason: Message must be shorter than ${largest} bytes.`);
}
