import { expect, test } from "vitest";
import { syncFromProvider } from "../../core/stripe/sync.js";

/** A row with a version, to which several syncs copy what a provider says. */
function contended(writes: (round: number) => boolean) {
  let [version, rounds] = [0, 0];
  return {
    name: "row",
    load: () => Promise.resolve({ known: version }),
    fetch: (known: number) => Promise.resolve(known),
    write: (known: number) => {
      rounds += 1;
      if (!writes(rounds)) version += 1; // another one was first
      return Promise.resolve(known === version ? { result: rounds } : undefined);
    },
  };
}

test("a sync that others overtake asks again, and what it writes belongs to the version that it read", async () => {
  expect(await syncFromProvider(contended((round) => round === 6))).toBe(6);
});

test("a sync that is overtaken in every round writes nothing and says when to come back", async () => {
  const lost = syncFromProvider(contended(() => false));
  await expect(lost).rejects.toMatchObject({
    kind: "unavailable",
    code: "provider_state_busy",
    extra: { retryAfter: 2 },
  });
});
