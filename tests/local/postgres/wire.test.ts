import { expect, test } from "vitest";
import { preparedTexts, readMessages } from "../../../stacks/local/postgres/wire.js";

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

test("a client's frame tells the texts that it prepares, and a login tells none", () => {
  const message = (type: string, body: string) => {
    const bytes = Buffer.from(`${type}0000${body}`);
    bytes.writeInt32BE(body.length + 4, 1);
    return bytes;
  };
  const parse = (name: string, text: string) => message("P", `${name}\0${text}\0\0\0`);
  const frame = [parse("a", "select 1"), message("B", "\0a\0\0\0"), parse("", "begin"), message("S", "")];
  expect(preparedTexts(Buffer.concat(frame))).toEqual(["select 1", "begin"]);
  expect(preparedTexts(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))).toEqual([]);
});
