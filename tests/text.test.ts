import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deliverableEmail, Email, foldEmail, LoginEmail, spellingsOf } from "../core/kernel/email.js";
import { Mail, setMailer } from "../core/kernel/mail/index.js";
import { line, name, prose } from "../core/kernel/text.js";

const accepts = (schema: { safeParse(text: string): { success: boolean } }) => (text: string) =>
  schema.safeParse(text).success;

describe("a text", () => {
  const isName = accepts(name(40));
  test("is one line that can be seen, whatever its script", () => {
    const good = [
      "Ada",
      "Zoë d’Œuf-Łódź",
      "Booking.com",
      "Smith & Sons, c/o Meier",
      "می‌خواهم",
      "क्‍ष",
      "葛\u{e0100}城",
      "서울",
    ];
    expect(good.filter((text) => !isName(text))).toEqual([]);
    expect(["👩‍👩‍👧", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👍🏽", "𠮷野家", "AC/DC www"].filter((text) => !isName(text))).toEqual([]);
  });

  test("hides nothing: no code point that is a control, a format or blank passes where no script needs it", () => {
    const bad = [
      "a\nb",
      "a\r\nb",
      "a\tb",
      "a\u0007b",
      "a\u0085b",
      "a\u2028b",
      "a\u00adb",
      "a\u200bb",
      "a\u200db",
      "a\u200eb",
    ];
    const worse = [
      "a\u202eb",
      "a\u2066b",
      "a\u2060b",
      "a\u{e0041}b",
      "a\ue000b",
      "a\uffffb",
      "a\ufe0fb",
      "\u3164",
      "\u2800",
      "\u0301",
    ];
    expect([...bad, ...worse, "", " ", "\u3000"].filter(isName)).toEqual([]);
    const hidden = /^[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]$/u;
    for (let point = 0; point < 0x2ffff; point += 1) {
      if (point >= 0xd800 && point < 0xe000) continue;
      const character = String.fromCodePoint(point);
      if (hidden.test(character) && isName(`a${character}b`)) expect.fail(`U+${point.toString(16)} passes`);
    }
  });

  test("that names a thing or a person is no web address, and other lines may be one", () => {
    const urls = [
      "see https://evil.example/x",
      "HTTP://x",
      "www.evil.example",
      "x WWW.y.z",
      "ｈｔｔｐ：／／x",
      "javascript://x",
    ];
    expect(urls.filter(isName)).toEqual([]);
    expect(urls.filter((text) => !accepts(line(40))(text))).toEqual([]);
  });

  test("is as long as its characters are many, after the space around it is gone", () => {
    expect([
      accepts(name(3))("👍👍👍"),
      accepts(name(3))("👍👍👍👍"),
      accepts(name(3))(" e\u0301e\u0301e\u0301  "),
    ]).toEqual([true, false, true]);
    expect(name(3).parse(" e\u0301 ")).toBe("é");
    expect(prose(9).parse("a\r\n\tb ")).toBe("a\n\tb");
    expect(accepts(prose(9))("a\u202eb")).toBe(false);
  });

  test("that is a subject has no line break", async () => {
    const sent: string[] = [];
    setMailer(async ({ to, subject }) => void sent.push(`${to} ${subject}`));
    const mail = { id: "job_1", subject: "Your order at Shop\r\nBcc: all@example.com", text: "", html: "" };
    expect(await Mail.send({ ...mail, to: "ada@münchen.de" })).toBe(true);
    expect(await Mail.send({ ...mail, to: "колья@пример.рф" })).toBe(false);
    expect(sent).toEqual(["ada@xn--mnchen-3ya.de Your order at Shop Bcc: all@example.com"]);
  });
});

describe("an email address", () => {
  const good = [
    "kolya@xn--e1afmkfd.xn--p1ai",
    "user@xn--fsqu00a.xn--4rr70v",
    "max@xn--mstermann-07a.swiss",
    "info@münchen.de",
  ];
  const odd = [
    "o&m@example.com",
    "a/b@example.com",
    "who!me@example.com",
    "d'@example.com",
    "cust#1=vip@example.com",
    "a@b.museum",
    "ada@example.c",
  ];
  test("is what a mail server takes", () => {
    expect(
      [...good, ...odd, "колья@пример.рф", `${"x".repeat(64)}@x.de`].filter((email) => !accepts(Email)(email)),
    ).toEqual([]);
    const bad = [
      "ada",
      "a b@x.de",
      "a@b@x.de",
      ".a@x.de",
      "a.@x.de",
      "a..b@x.de",
      "a@x..de",
      "a@-x.de",
      "a@1.2.3.4",
      "a@x.de\nBcc: b",
    ];
    const worse = [
      "a\u202e@x.de",
      "a\u200b@x.de",
      "a@ex\u00adample.com",
      "a@localhost",
      "a@exa%6dple.com",
      `${"x".repeat(65)}@x.de`,
      `${"ü".repeat(33)}@x.de`,
      `a@${"x".repeat(64)}.de`,
      `a@${"x.".repeat(130)}de`,
    ];
    expect([...bad, ...worse].filter(accepts(Email))).toEqual([]);
  });

  test("is kept as given, and compared in one form", () => {
    expect(Email.parse(" Info@München.de ")).toBe("Info@München.de");
    expect(["Info@München.de", "info@xn--mnchen-3ya.de", "INFO@MU\u0308NCHEN.DE"].map(foldEmail)).toEqual(
      Array(3).fill("info@xn--mnchen-3ya.de"),
    );
    expect(spellingsOf("info@xn--mnchen-3ya.de")).toContain("info@münchen.de");
    expect(deliverableEmail("колья@пример.рф")).toBeUndefined();
    expect(accepts(LoginEmail)("колья@пример.рф")).toBe(false); // no mail could reach the member
    fc.assert(fc.property(fc.emailAddress(), (email) => foldEmail(foldEmail(email)) === foldEmail(email)));
  });
});
