/** Statements that a whole run of the tests may have prepared: each session of the database keeps those that it has met. */
const MOST_TEXTS = 1_000;

/** A text without the number of its parameters: lists of two and of three values are of one family. */
const familyOf = (text: string) =>
  text
    .replaceAll(/\$\d+/g, "$")
    .replaceAll(/\$(?:, \$)+/g, "$")
    .replaceAll(/\(\$\)(?:, \(\$\))+/g, "($)");

/**
 * Checks the texts of all statements that the system had prepared.
 * @throws when there are too many, or when some depend on how many values or rows they are about
 */
export function checkTexts(texts: ReadonlySet<string>): void {
  const families = new Map<string, string>();
  const growing: string[] = [];
  for (const text of texts) {
    const family = familyOf(text);
    if (families.has(family)) growing.push(text);
    families.set(family, text);
  }
  if (growing.length > 0) throw new Error(`Texts that depend on the number of values:\n${growing.join("\n")}`);
  if (texts.size > MOST_TEXTS)
    throw new Error(`${texts.size} distinct texts were prepared; at most ${MOST_TEXTS} may.`);
}
