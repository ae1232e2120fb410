/** Text of somebody else as a mail shows it: one line, and no link that a mail program would make of it. */
export const toLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(/\b(?:https?:\/*|www\.)\S*/giu, "…")
    .replaceAll("://", " ")
    .trim()
    .slice(0, 200);
