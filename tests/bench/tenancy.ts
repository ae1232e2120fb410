import type { Host } from "../../stacks/local/host.js";
import { median } from "./figure.js";
import type { Generator } from "./generator.js";
import { CONNECTIONS } from "./mode.js";
import { type ScenarioName, scenarios } from "./scenario.js";
import { openShop, type Shop } from "./shop.js";

/** Reads for each second at sixteen connections: all on one tenant, and each on a tenant of its own. */
export interface Tenancy {
  readonly name: string;
  readonly one: number;
  readonly many: number;
  /** The median of the slices' ratios. */
  readonly share: number;
}

const reads = ["list", "detail"] as const satisfies ScenarioName[];

/** Opens as many shops as there are connections, of the size of the first. */
export async function openShops(host: Host, first: Shop, products: number): Promise<Shop[]> {
  const shops = [first];
  while (shops.length < CONNECTIONS) shops.push(await openShop(host, products));
  await host.admin.query("vacuum analyze");
  return shops;
}

/** Slices in turn. The generator does the same for both: one client with one connection for each of sixteen shops. */
export async function compareTenants(
  generator: Generator,
  shops: readonly Shop[],
  length: { readonly seconds: number; readonly slices: number },
): Promise<Tenancy[]> {
  const [first] = shops;
  if (!first) return [];
  const sides = [shops.map(() => first), shops];
  const compared: Tenancy[] = [];
  for (const scenario of reads) {
    const rates: number[][] = [[], []];
    for (let nth = -1; nth < length.slices; nth += 1)
      for (const [index, chosen] of sides.entries()) {
        const order = { scenario, shops: chosen, url: first.url, connections: CONNECTIONS, seconds: length.seconds };
        const { perSecond } = await generator.run(order);
        if (nth >= 0) rates[index]?.push(perSecond); // the first slice warms up
      }
    const [one = [], many = []] = rates;
    const share = median(one.map((rate, index) => rate / (many[index] ?? rate)));
    compared.push({ name: scenarios[scenario].name, one: median(one), many: median(many), share });
  }
  return compared;
}
