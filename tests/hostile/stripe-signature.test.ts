import fc from "fast-check";
import Stripe from "stripe";
import { describe, expect, test } from "vitest";
import { isSigned } from "../../core/stripe/signature.js";
import { eventOf, macOf, signed, textOf } from "../support/webhook.js";

/** The check by itself, at a time that stands still, beside that of Stripe's library. */

const secret = "whsec_one";
const at = 1_800_000_000;
const body = textOf(eventOf());
const mac = macOf(body, secret, at);
const right = signed(body, secret, at);

const ours = (header: string | undefined, bytes: string | Buffer = body, secrets = [secret], now = at) =>
  isSigned(Buffer.from(bytes), header, secrets, now);
function theirs(header: string, bytes: string | Buffer = body, now = at): boolean {
  try {
    return Boolean(Stripe.webhooks.signature?.verifyHeader(bytes, header, secret, 300, undefined, now * 1000));
  } catch {
    return false;
  }
}

describe("what is signed", () => {
  test("is accepted, and by Stripe's library as well", () => {
    expect([ours(right), theirs(right)]).toEqual([true, true]);
  });

  test.each([
    [299, true],
    [300, true],
    [301, false],
    [86_400, false],
  ])("%i seconds are as much in the past as in the future", (seconds, accepted) => {
    expect(ours(right, body, [secret], at + seconds)).toBe(accepted);
    expect(ours(right, body, [secret], at - seconds)).toBe(accepted);
    expect(theirs(right, body, at + seconds)).toBe(accepted);
    expect(theirs(right, body, at - seconds)).toBe(true); // why this is checked here
  });

  test("with any secret of a rotation, by any of its signatures", () => {
    const old = macOf(body, "whsec_old", at);
    expect(ours(right, body, ["whsec_new", secret])).toBe(true);
    expect(ours(`t=${at},v1=${old},v1=${mac}`)).toBe(true);
    expect(ours(`t=${at},v1=${mac},v1=${old},v0=${old}`)).toBe(true);
    expect(ours(`t=${at},v1=${old}`)).toBe(false);
    expect(ours(right, body, ["whsec_new", "whsec_old"])).toBe(false);
    expect(ours(right, body, [])).toBe(false);
  });
});

describe("a header that Stripe would not send", () => {
  const zeros = "0".repeat(64);
  const refused: Record<string, string | undefined> = {
    none: undefined,
    empty: "",
    "only a time": `t=${at}`,
    "only a signature": `v1=${mac}`,
    "only v0": `t=${at},v0=${mac}`,
    "a hundred signatures, one of them right": `t=${at},${`v1=${zeros},`.repeat(99)}v1=${mac}`,
    "nine signatures, the last right": `t=${at},${`v1=${zeros},`.repeat(8)}v1=${mac}`,
    twice: `${right},${right}`,
    "twice, as gateways join": `${right}, ${right}`,
    "a wrong one after it": `${right},t=${at},v1=${zeros}`,
    "a wrong one before it": `t=${at},v1=${zeros},${right}`,
    "another time": `t=${at + 1},v1=${mac}`,
    "two times": `t=${at},t=${at + 1},v1=${mac}`,
    "a time with a sign": `t=+${at},v1=${mac}`,
    "a time with more behind it": `t=${at}.5,v1=${mac}`,
    "a time in hexadecimal": `t=0x${at.toString(16)},v1=${mac}`,
    "no time to speak of": `t=,v1=${mac}`,
    "a signature in upper case": `t=${at},v1=${mac.toUpperCase()}`,
    "a signature cut short": `t=${at},v1=${mac.slice(0, 63)}`,
    "a signature with more": `t=${at},v1=${mac}0`,
    "a signature in base64": `t=${at},v1=${Buffer.from(mac, "hex").toString("base64")}`,
    "another scheme's name": `t=${at},v2=${mac}`,
    "a name in upper case": `T=${at},V1=${mac}`,
    semicolons: `t=${at};v1=${mac}`,
  };
  test.each(Object.entries(refused))("is refused: %s", (_, header) => {
    expect(ours(header)).toBe(false);
  });
});

describe("bytes", () => {
  test("that differ anywhere are refused", () => {
    const bytes = Buffer.from(body);
    const accepted = [...bytes.keys()].filter((index) => {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      return ours(right, changed);
    });
    expect(accepted).toEqual([]);
    for (const other of [`${body} `, body.slice(1), "", JSON.stringify(JSON.parse(body))])
      expect(ours(right, other)).toBe(false);
  });

  test("that mean the same text are refused, though Stripe's library takes them", () => {
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(body)]);
    expect([ours(right, marked), theirs(right, marked)]).toEqual([false, true]);
    const odd = "a \ufffd b";
    const broken = Buffer.concat([Buffer.from("a "), Buffer.from([0xff]), Buffer.from(" b")]);
    const header = signed(odd, secret, at);
    expect([ours(header, odd), ours(header, broken), theirs(header, broken)]).toEqual([true, false, true]);
  });

  test("and headers at random: what is accepted here is accepted by Stripe's library", () => {
    const part = fc.oneof(
      fc.constantFrom(`t=${at}`, `v1=${mac}`, `v0=${mac}`, `t=${at + 1}`, "v1=", "t", "=", "", " ", "v1", `v1=${mac}0`),
      fc.string({ maxLength: 8 }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), fc.constantFrom(",", ", ", ";"), (parts, comma) => {
        const header = parts.join(comma);
        const verdict = ours(header);
        if (verdict) accepted += 1;
        // Blanks around items are the one thing that it does not forgive.
        return !verdict || theirs(header.replace(/\s*,\s*/g, ",").trim());
      }),
      { numRuns: 20_000, seed: 9 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

/** The whole verifier of Stripe's library, which reads the body as well. */
function constructs(header: string, payload: string | Buffer): boolean {
  try {
    return Boolean(Stripe.webhooks.constructEvent(payload, header, secret, 300, undefined, at * 1000));
  } catch {
    return false;
  }
}

describe("beside constructEvent of Stripe's library", () => {
  const others = fc.array(fc.tuple(fc.constantFrom("v0", "v1"), fc.stringMatching(/^[0-9a-f]{64}$/)), { maxLength: 3 });
  /** A body, and a header of the form that Stripe documents, as it was sent or with one thing changed on its way. */
  const arrived = fc
    .record({
      data: fc.jsonValue({ maxDepth: 2 }),
      seconds: fc.oneof(fc.integer({ min: -900, max: 900 }), fc.constantFrom(-301, -300, 300, 301)),
      signer: fc.constantFrom(secret, secret, secret, "whsec_old"),
      before: others,
      after: others,
      change: fc.constantFrom("nothing", "nothing", "nothing", "nothing", "body", "time", "mac"),
    })
    .map(({ data, seconds, signer, before, after, change }) => {
      const text = textOf({ id: "evt_1", object: "event", data });
      const known = macOf(text, signer, at + seconds);
      const time = change === "time" ? at + seconds + 1 : at + seconds;
      const given = change === "mac" ? known.replace(/^./, (first) => (first === "0" ? "1" : "0")) : known;
      const items = [["t", time], ...before, ["v1", given], ...after];
      return {
        header: items.map(([name, value]) => `${name}=${value}`).join(","),
        payload: change === "body" ? text.replace("evt_1", "evt_2") : text,
        ahead: time > at + 300,
      };
    });

  test("the verdict on a well-formed header is the same, but for a time more than 300 s ahead", () => {
    const counts = { accepted: 0, refused: 0, "accepted there, as it is ahead": 0 };
    fc.assert(
      fc.property(arrived, ({ header, payload, ahead }) => {
        const [here, there] = [ours(header, payload), constructs(header, payload)];
        counts[here ? "accepted" : there ? "accepted there, as it is ahead" : "refused"] += 1;
        return here === (there && !ahead);
      }),
      { numRuns: 3_000, seed: 7 },
    );
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(200);
  });

  test("any text is accepted by both; behind a byte order mark it is refused here", () => {
    const payloads = fc.jsonValue().map((data) => textOf({ id: "evt_1", object: "event", data }));
    fc.assert(
      fc.property(payloads, (payload) => {
        const header = signed(payload, secret, at);
        const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(payload)]);
        expect([ours(header, payload), constructs(header, payload)]).toEqual([true, true]);
        expect([ours(header, marked), theirs(header, marked)]).toEqual([false, true]);
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});
