import type { Statement } from "./recorder.js";

/** The fields of one message, read from its start. */
class Fields {
  #at = 0;

  constructor(readonly body: Buffer) {}

  text(): string {
    const end = this.body.indexOf(0, this.#at);
    const text = this.body.toString("utf8", this.#at, end);
    this.#at = end + 1;
    return text;
  }

  short(): number {
    this.#at += 2;
    return this.body.readInt16BE(this.#at - 2);
  }

  /** A parameter in text format, as the driver sends all but byte arrays. */
  value(): string | null {
    const length = this.body.readInt32BE(this.#at);
    const start = this.#at + 4;
    this.#at = start + Math.max(0, length);
    return length < 0 ? null : this.body.toString("utf8", start, this.#at);
  }
}

/**
 * Reads the statements that a client executes: prepared ones by the name of their Parse, whenever that was, and those
 * of the simple protocol. A login comes first; its messages have other types.
 * @see https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
export function readStatements(note: (statement: Statement) => void): (chunk: Buffer) => void {
  const texts = new Map<string, string>();
  let rest = Buffer.alloc(0);
  let isOpen = false;
  const onMessage = (type: string, fields: Fields) => {
    if (type === "Q") note({ query: fields.text(), params: [] });
    if (type === "P") texts.set(fields.text(), fields.text());
    if (type !== "B") return;
    fields.text(); // the portal
    const query = texts.get(fields.text()) ?? "";
    for (let formats = fields.short(); formats > 0; formats -= 1) fields.short();
    note({ query, params: Array.from({ length: fields.short() }, () => fields.value()) });
  };
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      // The startup message has no type.
      const head = isOpen ? 5 : 4;
      if (rest.length < head) return;
      const end = rest.readInt32BE(head - 4) + head - 4;
      if (rest.length < end) return;
      if (isOpen) onMessage(String.fromCharCode(rest.readUInt8(0)), new Fields(rest.subarray(head, end)));
      isOpen = true;
      rest = rest.subarray(end);
    }
  };
}
