import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { type Answer, type Cart, newProduct, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { outcome } from "../support/outcome.js";
import { size } from "../support/size.js";
import { atOnce, prepared, tenantUuid, violations } from "./race.js";

const admin = administrator();
const [PRODUCTS, CARTS] = [2, 2];
let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

/** What the shop should be like: units on each shelf, and what each cart has and holds. */
interface Model {
  shelves: number[];
  carts: { lines: Map<number, number>; held: Map<number, number>; done: boolean }[];
}
interface Real {
  variants: string[];
  carts: Cart[];
  orders: Map<number, string>;
}

/** A cart as a shopper brings it: one of each product. */
const fresh = () => ({ lines: new Map([0, 1].map((product) => [product, 1])), held: new Map(), done: false });
const filled = (variants: readonly string[]) =>
  prepared(
    tenant,
    variants.map((variantId) => ({ variantId, quantity: 1 })),
  );
const cartOf = (model: Model, index: number) =>
  model.carts[index] ?? { lines: new Map(), held: new Map(), done: false };
const heldOf = (model: Model, product: number) =>
  model.carts.reduce((sum, { held }) => sum + (held.get(product) ?? 0), 0);
/** Whether the lines of a cart are there, what others hold left aside. */
const fits = (model: Model, index: number) =>
  [...cartOf(model, index).lines].every(([product, quantity]) => {
    const others = heldOf(model, product) - (cartOf(model, index).held.get(product) ?? 0);
    return (model.shelves[product] ?? 0) - others >= quantity;
  });

/** On hand and reserved of each product. */
async function shelvesOf({ variants }: Real): Promise<number[][]> {
  const { rows } = await admin.query(
    `select on_hand, reserved from unnest($2::uuid[]) with ordinality as wanted (id, place)
      join stock_level on tenant_id = $1 and variant_id = id order by place`,
    [tenantUuid(tenant), variants.map((id) => typeIdToUuid("var", id))],
  );
  return rows.map(({ on_hand, reserved }) => [on_hand, reserved]);
}

abstract class Step implements fc.AsyncCommand<Model, Real> {
  constructor(
    readonly cart: number,
    readonly product: number,
    readonly quantity: number,
  ) {}
  check = (_model: Readonly<Model>) => true;
  toString = () => `${this.constructor.name}(cart ${this.cart}, product ${this.product}, ${this.quantity})`;

  /** Does it in both worlds, and compares the answers, then the shelves. */
  async run(model: Model, real: Real): Promise<void> {
    const wanted = this.expected(model);
    const answer = await this.act(real.carts[this.cart] as Cart, real);
    const cart = real.carts[this.cart] as Cart;
    expect(outcome(answer)).toBe(wanted);
    if (wanted === "200") {
      if (answer.body.version && answer.body.lines) cart.state = { ...cart.state, ...answer.body };
      this.apply(model);
      this.after(answer, real);
    }
    expect(await shelvesOf(real)).toEqual(model.shelves.map((onHand, product) => [onHand, heldOf(model, product)]));
    const lines = cart.state.lines.map((line: { variantId: string; quantity: number }) => [
      real.variants.indexOf(line.variantId),
      line.quantity,
    ]);
    expect(new Map(lines)).toEqual(cartOf(model, this.cart).lines);
  }

  /** The outcome, before it is done. */
  abstract expected(model: Model): string;
  abstract act(cart: Cart, real: Real): Promise<Answer>;
  abstract apply(model: Model): void;
  after(_answer: Answer, _real: Real): void {}

  /** A change of the lines lets go what was held for them. */
  change(model: Model, quantity: number | undefined): void {
    const cart = cartOf(model, this.cart);
    cart.held = new Map();
    if (quantity === undefined) cart.lines.delete(this.product);
    else cart.lines.set(this.product, quantity);
  }
  line(cart: Cart, { variants }: Real): string {
    const line = cart.state.lines.find(({ variantId }: { variantId: string }) => variantId === variants[this.product]);
    return `${cart.path}/lines/${line?.id ?? "lin_01h455vb4pex5vsknk084sn02q"}`;
  }
  send(cart: Cart, method: string, path: string, body?: object): Promise<Answer> {
    return cart.shop.call(method, path, { ...(body && { body }), headers: cart.ifMatch });
  }
}

class Add extends Step {
  expected = (model: Model) => (cartOf(model, this.cart).done ? "409 cart.completed" : "200");
  act = (cart: Cart, real: Real) =>
    this.send(cart, "POST", `${cart.path}/lines`, { variantId: real.variants[this.product], quantity: this.quantity });
  apply = (model: Model) => this.change(model, (cartOf(model, this.cart).lines.get(this.product) ?? 0) + this.quantity);
}

class Change extends Step {
  expected(model: Model) {
    const { done, lines } = cartOf(model, this.cart);
    if (done) return "409 cart.completed";
    return lines.has(this.product) ? "200" : "404 cart_line.not_found";
  }
  act = (cart: Cart, real: Real) => this.send(cart, "PATCH", this.line(cart, real), { quantity: this.quantity });
  apply = (model: Model) => this.change(model, this.quantity);
}

class Remove extends Change {
  override act = (cart: Cart, real: Real) => this.send(cart, "DELETE", this.line(cart, real));
  override apply = (model: Model) => this.change(model, undefined);
}

class Hold extends Step {
  expected(model: Model) {
    if (cartOf(model, this.cart).done) return "409 cart.completed";
    return fits(model, this.cart) ? "200" : "409 stock.insufficient";
  }
  act = (cart: Cart) => this.send(cart, "POST", `${cart.path}/hold`);
  apply(model: Model) {
    const cart = cartOf(model, this.cart);
    cart.held = new Map(cart.lines);
  }
}

class Release extends Step {
  expected = (model: Model) => (cartOf(model, this.cart).done ? "409 cart.completed" : "200");
  act = (cart: Cart) => this.send(cart, "DELETE", `${cart.path}/hold`);
  apply(model: Model) {
    cartOf(model, this.cart).held = new Map();
  }
}

class Complete extends Step {
  expected(model: Model) {
    const { done, lines } = cartOf(model, this.cart);
    if (done) return "200";
    if (lines.size === 0) return "409 cart.incomplete";
    return fits(model, this.cart) ? "200" : "409 stock.insufficient";
  }
  act = (cart: Cart) => cart.complete();
  apply(model: Model) {
    const cart = cartOf(model, this.cart);
    if (!cart.done) for (const [product, quantity] of cart.lines) (model.shelves[product] as number) -= quantity;
    Object.assign(cart, { done: true, held: new Map() });
  }
  override after({ body }: Answer, { orders }: Real) {
    expect(body.order.id).toBe(orders.get(this.cart) ?? body.order.id);
    orders.set(this.cart, body.order.id);
  }
}

/** The next shopper, when the last one is done. */
class Open extends Step {
  expected = () => "200";
  async act(_: Cart, { carts, orders, variants }: Real) {
    carts[this.cart] = await filled(variants);
    orders.delete(this.cart);
    return (carts[this.cart] as Cart).shop.call("GET", (carts[this.cart] as Cart).path);
  }
  override check = (model: Readonly<Model>) => cartOf(model, this.cart).done;
  apply(model: Model) {
    model.carts[this.cart] = fresh();
  }
}

class Adjust extends Step {
  expected(model: Model) {
    const left = (model.shelves[this.product] ?? 0) + this.delta;
    return left < heldOf(model, this.product) ? "409 stock.insufficient" : "200";
  }
  get delta() {
    return this.quantity > 3 ? 3 - this.quantity : this.quantity;
  }
  act(_: Cart, { variants }: Real) {
    const body = { adjustments: [{ variantId: variants[this.product], delta: this.delta }], reason: "correction" };
    return tenant.call("POST", "/v1/admin/inventory/adjustments", {
      body,
      headers: { "idempotency-key": randomUUID() },
    });
  }
  apply(model: Model) {
    (model.shelves[this.product] as number) += this.delta;
  }
}

const step = (kind: new (cart: number, product: number, quantity: number) => Step) =>
  fc
    .tuple(fc.nat(CARTS - 1), fc.nat(PRODUCTS - 1), fc.integer({ min: 1, max: 5 }))
    .map(([cart, product, quantity]) => new kind(cart, product, quantity));
const steps = [Add, Add, Change, Remove, Hold, Hold, Release, Complete, Open, Open, Adjust].map(step);

test("carts, holds, orders and stock behave as the model says", { timeout: 10_000 * size.modelRuns }, async () => {
  const start = async () => {
    const products = await atOnce(PRODUCTS, () => newProduct(tenant, { stock: 5 }));
    const variants = products.map(({ variantId }) => variantId);
    const carts = await atOnce(CARTS, () => filled(variants));
    return { model: { shelves: [5, 5], carts: carts.map(fresh) }, real: { variants, carts, orders: new Map() } };
  };
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 40, size: "max" }), async (commands) => {
      const { model, real } = await start();
      await fc.asyncModelRun(() => ({ model, real }), commands);
      expect(await violations(admin, tenant)).toEqual([]);
    }),
    { numRuns: size.modelRuns, endOnFailure: true },
  );
});
