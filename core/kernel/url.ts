import * as z from "zod";

/**
 * The address of a web page to which a browser is sent, in the form in which every reader accepts it: the name of its
 * host in ASCII, and each character that a URL may not have as an escape. It has no name and password in it.
 */
export const pageUrl = (max: number) =>
  z
    .url({ protocol: /^https?$/, normalize: true })
    .max(max)
    .refine((text) => !/^https?:\/\/[^/?#]*@/.test(text), "must not have a user name or password");
