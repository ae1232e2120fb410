import { expect, test } from "vitest";
import { readMessages } from "../../../stacks/local/postgres/wire.js";

test("messages are told apart whatever the chunks", () => {
  const message = (type: string, length: number) => {
    const bytes = Buffer.alloc(5 + length, "Z");
    bytes.write(type);
    bytes.writeInt32BE(4 + length, 1);
    return bytes;
  };
  const stream = Buffer.concat([message("R", 4), message("D", 300), message("C", 9), message("I", 0), message("Z", 1)]);
  for (let size = 1; size <= stream.length; size++) {
    let types = "";
    const read = readMessages((type) => (types += type));
    read(Buffer.from("N"));
    for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
    expect(types).toBe("RDCIZ");
  }
});
