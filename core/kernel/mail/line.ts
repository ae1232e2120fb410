/** Text of a shopper or a shop for a mail: line breaks and links are removed, so that it cannot imitate the mail's own text. */
export const toLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(/\b(?:https?:\/*|www\.)\S*/giu, "…")
    .replaceAll("://", " ")
    .trim()
    .slice(0, 200);
