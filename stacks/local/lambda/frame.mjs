// Frames between the host and an environment: the lengths of head and body (4 bytes each, big-endian), the head as
// JSON, the body as it is. A body is text inside of the JSON otherwise, which costs an escape and a parse on each way.

const PREFIX = 8;

/** The frame of a value; the text in its `body` travels apart. */
export function encodeFrame(value, rest = {}) {
  const { body, ...others } = typeof value?.body === "string" ? value : { body: "" };
  const head = JSON.stringify({ value: body === "" ? value : others, ...rest });
  const [headLength, bodyLength] = [Buffer.byteLength(head), Buffer.byteLength(body)];
  const frame = Buffer.allocUnsafe(PREFIX + headLength + bodyLength);
  frame.writeUInt32BE(headLength, 0);
  frame.writeUInt32BE(bodyLength, 4);
  frame.write(head, PREFIX);
  frame.write(body, PREFIX + headLength);
  return frame;
}

/** Reads frames from chunks of any size; `onFrame` gets the head and the bytes of the body. */
export function readFrames(onFrame) {
  let chunks = [];
  let size = 0;
  let wanted = PREFIX;
  return (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    while (size >= wanted) {
      const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
      const bodyAt = PREFIX + all.readUInt32BE(0);
      const end = bodyAt + all.readUInt32BE(4);
      wanted = size < end ? end : PREFIX;
      const rest = size < end ? all : all.subarray(end);
      [chunks, size] = [[rest], rest.length];
      if (rest !== all) onFrame(JSON.parse(all.toString("utf8", PREFIX, bodyAt)), all.subarray(bodyAt, end));
    }
  };
}
