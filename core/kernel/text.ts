import * as z from "zod";

/** Scripts whose spelling needs joiners (U+200C and U+200D) between letters. */
const JOINING = ["Arab", "Syrc", "Mong", "Deva", "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh"]
  .concat(["Khmr", "Mymr", "Tibt"])
  .map((script) => `\\p{scx=${script}}`)
  .join("");

/** Invisible characters in the places where writing needs them: joiners in words, in and after pictographs, variants of Han. */
const needed = new RegExp(
  [
    `(?<=[${JOINING}])[\\u200c\\u200d](?=[${JOINING}\\s]|$)`,
    "(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f])\\u200d(?=\\p{Extended_Pictographic})",
    "(?<=[\\p{Extended_Pictographic}\\p{Emoji}])[\\ufe0e\\ufe0f]",
    "(?<=\\p{scx=Han})[\\u{e0100}-\\u{e01ef}\\ufe00-\\ufe02]",
    "(?<=\\p{scx=Mong})[\\u180b-\\u180f]",
    "(?<=\\u{1f3f4})[\\u{e0020}-\\u{e007e}]+\\u{e007f}", // flags of England, Scotland and Wales
  ].join("|"),
  "gu",
);

/** Control characters, bidirectional controls, zero-width and other invisible characters, and what is no character. */
const hidden =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]/u;
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u;
const url = /:\/\/|(?<![\p{L}\p{N}])www\./iu;

const hasHidden = (text: string) => hidden.test(text.replace(needed, ""));
const countCharacters = (text: string) => [...text].length;

/** Text in the form in which equal texts are equal (Unicode NFC), without the space around it. */
const tidy = (text: string) => text.normalize("NFC").trim();

/**
 * Text of at most so many characters, once it is tidied up. Characters are code points, as JSON Schema counts them. What
 * is far too long is refused before anything reads it.
 */
function atMost(max: number, tidied: (text: string) => string) {
  const message = `must have at most ${max} characters`;
  return z
    .string()
    .max(4 * max, { message, abort: true })
    .overwrite(tidied)
    .refine((text) => countCharacters(text) <= max, message);
}

/**
 * One line of text: no line breaks, no control or invisible characters, at least one that is visible. Mails, labels and
 * pages show such texts beside others.
 */
export const line = (max: number) =>
  atMost(max, tidy)
    .refine((text) => visible.test(text), "must not be blank")
    .refine((text) => !hasHidden(text), "must be one line without control or invisible characters")
    .meta({ minLength: 1, maxLength: max });

/** The name of a person or a thing: a line without a web address, because mails show it to others. */
export const name = (max: number) =>
  line(max)
    .refine((text) => !url.test(text.normalize("NFKC")), "must not contain a web address")
    .meta({ minLength: 1, maxLength: max });

/** Text of several lines, which may be empty. */
export const prose = (max: number) =>
  atMost(max, (text) => tidy(text.replace(/\r\n?/g, "\n")))
    .refine((text) => !hasHidden(text.replace(/[\n\t]/g, "")), "must have no control or invisible characters")
    .meta({ maxLength: max });

/** Text of several lines that says something. */
export const statement = (max: number) =>
  prose(max)
    .refine((text) => visible.test(text), "must not be blank")
    .meta({ minLength: 1, maxLength: max });
