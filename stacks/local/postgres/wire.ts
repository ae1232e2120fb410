/**
 * Reads the types of PostgreSQL's messages across chunks of any size; contents are skipped.
 * @see https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
export function readMessages(onMessage: (type: string) => void): (chunk: Buffer) => void {
  const header = Buffer.alloc(5);
  let filled = 0;
  let rest = 0;
  let started = false;
  return (chunk) => {
    // The answer to a request for TLS is one bare byte, and the client waits for it.
    const bare = !started && chunk.length === 1 && (chunk[0] === 0x4e || chunk[0] === 0x53);
    started ||= !bare;
    let at = bare ? 1 : 0;
    while (at < chunk.length) {
      if (rest > 0) {
        const step = Math.min(rest, chunk.length - at);
        rest -= step;
        at += step;
        continue;
      }
      if (filled === 0 && at + header.length <= chunk.length) {
        onMessage(String.fromCharCode(chunk.readUInt8(at)));
        rest = Math.max(0, chunk.readInt32BE(at + 1) - 4);
        at += header.length;
        continue;
      }
      const step = Math.min(header.length - filled, chunk.length - at);
      chunk.copy(header, filled, at, at + step);
      filled += step;
      at += step;
      if (filled < header.length) return;
      onMessage(String.fromCharCode(header.readUInt8(0)));
      rest = Math.max(0, header.readInt32BE(1) - 4);
      filled = 0;
    }
  };
}

const PARSE = "P".charCodeAt(0);

/**
 * The texts of the Parse messages of a client's frame. The driver sends whole messages in each; a login has no types, and
 * begins with the first byte of its length, which is zero.
 */
export function preparedTexts(frame: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at + 5 <= frame.length && frame[at] !== 0; at += 1 + frame.readInt32BE(at + 1)) {
    if (frame[at] !== PARSE) continue;
    const text = frame.indexOf(0, at + 5) + 1; // after the statement's name
    texts.push(frame.toString("utf8", text, frame.indexOf(0, text)));
  }
  return texts;
}
