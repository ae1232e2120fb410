/**
 * How much the tests do that grow with patience. A change waits for the sizes of CI; `STOA_SIZE=night` asks for those of
 * a night.
 */
const sizes = {
  ci: {
    /** Payments in the chaos of webhooks. */
    payments: 80,
    /** Processes killed in the middle of their work, in each suite that kills. */
    kills: 12,
    /** Runs of a property that needs a database. */
    runs: 6,
  },
  night: { payments: 10_000, kills: 2_000, runs: 200 },
};

const name = process.env.STOA_SIZE ?? "ci";
if (!(name in sizes)) throw new Error(`STOA_SIZE is "${name}": there are ${Object.keys(sizes).join(" and ")}.`);
export const isNight = name === "night";
export const size = sizes[name as keyof typeof sizes];
