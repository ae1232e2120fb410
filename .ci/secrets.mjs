// Fails when a tracked file holds something that looks like a credential. Works without a network.
// A made-up one stands on a line that says so: `made-up`.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const kinds = {
  "private key": /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/,
  "private JWK": /"d"\s*:\s*"[\w-]{43}"/,
  "AWS key": /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/,
  "Stripe key": /\b(?:sk|rk)_live_[0-9A-Za-z]{24,}\b/,
  "Stripe signing secret": /\bwhsec_[0-9A-Za-z+/]{32,}/,
  "key of a tenant": /\bsk_(?:live|test)_[0-7][0-9a-z]{25}_[0-9A-Za-z]{32,}\b/,
  "GitHub token": /\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{60,})/,
  "npm token": /\bnpm_[0-9A-Za-z]{36}\b/,
  "Slack token": /\bxox[abprs]-[0-9A-Za-z-]{20,}/,
  "database password":
    /\bpostgres(?:ql)?:\/\/[^\s:/@'"`$<{]+:[^\s@'"`$<{…]{8,}@(?!127\.0\.0\.1|localhost|[\w.-]+\.(?:test|example)\b)[\w.-]+\.[a-z]{2,}/,
};

const files = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" }).split("\0").filter(Boolean);
const found = files.flatMap((file) => {
  const text = readFileSync(file);
  if (text.includes(0)) return [];
  return text
    .toString()
    .split("\n")
    .flatMap((line, index) =>
      line.includes("made-up")
        ? []
        : Object.entries(kinds)
            .filter(([, pattern]) => pattern.test(line))
            .map(([kind]) => `${file}:${index + 1}: ${kind}`),
    );
});
for (const line of found) console.error(line);
console.log(`${files.length} files, ${found.length} credentials`);
process.exitCode = found.length > 0 ? 1 : 0;
