import { randomUUID } from "node:crypto";
import type Stripe from "stripe";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import type { Host } from "../../stacks/local/host.js";
import type { FaultKind } from "../../stacks/local/stripe/engine/chaos.js";
import type { StripeStandIn } from "../../stacks/local/stripe/server.js";
import { letPass, settle } from "../messages/system.js";
import { type Answer, type Body, eventually, newTenant, type Tenant } from "./client.js";
import { byCard, cartOf, confirm, connect, orderWhen, StripeSide } from "./stripe.js";

type Goods = Parameters<typeof cartOf>[1];

/** A shop that takes money: its tenant, its account at Stripe, and the host that has both. */
export class Till {
  constructor(
    readonly host: Host,
    readonly tenant: Tenant,
    readonly account: string,
    readonly side: StripeSide,
    readonly stripe: StripeStandIn,
  ) {}

  static async open(host: Host, { capture = "automatic" } = {}): Promise<Till> {
    if (!host.stripe) throw new Error("This host speaks to Stripe itself.");
    const side = new StripeSide(host.stripe.url);
    const tenant = await newTenant({}, host.url);
    const till = new Till(host, tenant, await connect(tenant, side), side, host.stripe);
    if (capture === "manual") await till.query("update payment_account set capture = 'manual' where tenant_id = $1");
    return till;
  }

  /** Rows behind both walls; `$1` is the tenant. */
  query(text: string, ...values: unknown[]): Promise<Body[]> {
    return this.host.admin.query(text, [typeIdToUuid("ten", this.tenant.id), ...values]) as Promise<Body[]>;
  }

  /** A purchase up to the payment, which is for the shopper to make. */
  async buy(means: object = byCard, goods: Goods = {}) {
    const { cart, variantId } = await cartOf(this.tenant, goods);
    const { status, body, text } = await cart.complete(undefined, means);
    if (status !== 200) throw new Error(`${status} ${text}`);
    return { cart, variantId, orderId: body.order.id as string, payment: body.payment, total: totalOf(body.order) };
  }

  /** A purchase that is paid. */
  async sell(goods: Goods = {}, method = "pm_card_visa") {
    const bought = await this.buy(byCard, goods);
    await this.pay(bought.payment, method);
    const order = await this.when(bought.orderId, ({ status }) => status === "open");
    return { ...bought, order, intent: this.intentOf(bought.orderId) };
  }

  pay = (payment: Body, method?: string) => confirm(this.side, payment, method);

  order = (id: string): Promise<Body> => this.tenant.get(`/v1/admin/orders/${id}`);
  when = (id: string, ready: (order: Body) => boolean, timeoutMs?: number) =>
    orderWhen(this.tenant, id, ready, timeoutMs);

  /** The staff captures, refunds or voids. */
  ask(what: "capture" | "refunds" | "void", orderId: string, body: object | undefined, key: string = randomUUID()) {
    const path = `/v1/admin/orders/${orderId}/${what}`;
    return this.tenant.call("POST", path, { body, headers: { "idempotency-key": key } });
  }

  /** The same until the answer is final, as a client should: a crowd at one payment may be told to come again. */
  async insist(...[what, orderId, body]: Parameters<Till["ask"]>): Promise<Answer> {
    const key = randomUUID();
    return eventually(async () => {
      const answer = await this.ask(what, orderId, body, key);
      return answer.status < 500 && answer.body.code !== "idempotency_key_in_flight" && answer;
    }, 120_000);
  }

  /** What Stripe has for an order, the newest first. */
  intentsOf(orderId: string): Stripe.PaymentIntent[] {
    const all = this.stripe.objects("payment_intent", this.account);
    return all.filter(({ metadata }) => metadata.stoa_order === orderId);
  }
  intentOf(orderId: string): Stripe.PaymentIntent {
    const [intent] = this.intentsOf(orderId);
    if (!intent) throw new Error("Stripe has nothing for this order.");
    return intent;
  }
  refundsOf(intent: string): Stripe.Refund[] {
    return this.stripe.objects("refund", this.account).filter(({ payment_intent }) => payment_intent === intent);
  }

  /** The merchant at Stripe's own pages. */
  get dashboard(): Stripe {
    return this.side.merchant(this.host.env("api").STRIPE_SECRET_KEY ?? "");
  }
  get at() {
    return { stripeAccount: this.account };
  }

  /** A debit of this account, which is under way for days. */
  async sepa(iban: string): Promise<string> {
    const billing_details = { name: "Ada", email: "ada@example.com" };
    const debit = { type: "sepa_debit" as const, sepa_debit: { iban }, billing_details };
    return (await this.dashboard.paymentMethods.create(debit, this.at)).id;
  }

  /** What goes wrong with the next requests of this account that fit. */
  faults(...faults: { kind: FaultKind; method?: string; path?: string; next?: number; ms?: number }[]) {
    const mine = faults.map((fault) => ({ next: 1, account: this.account, ...fault }));
    this.stripe.chaos.faults.push(...mine);
  }
  calm() {
    this.stripe.chaos.faults = [];
  }
  /** Requests to Stripe of this account, by method and path. */
  asked(method: string, path: RegExp) {
    const all = this.stripe.requests();
    return all.filter((one) => one.account === this.account && one.method === method && path.test(one.path));
  }

  /** A message whose worker died waits for its visibility: so long passes then. */
  async rest(timeoutMs = 60_000) {
    await settle(this.host, timeoutMs).catch(async () => {
      await letPass(this.host, 7);
      await settle(this.host, timeoutMs);
    });
  }

  /** Rest, also from what is tried again in a minute. */
  async quiet() {
    await this.rest();
    await this.age(2);
    await this.host.runSchedule("relay");
    await this.rest();
  }

  /** The sweep of each minute, and what comes of it. */
  async sweep() {
    await this.host.runSchedule("sweep");
    await this.rest();
  }

  /** What the database has dated is so much nearer: expiry, leases, retries, the last comparison with Stripe. */
  async age(minutes: number) {
    const back = (table: string, ...columns: string[]) =>
      this.query(
        `update ${table} set ${columns.map((name) => `${name} = ${name} - make_interval(mins => $2)`).join()} where tenant_id = $1`,
        minutes,
      );
    await back("payment", "expires_at", "updated_at");
    await back("payment_operation", "created_at");
    await back("payment_account", "reconciled_at");
    await back("reservation", "expires_at");
    await back("idempotency_key", "updated_at");
    await back("job", "due_at", "sent_at", "lease_until");
  }

  incidents = async (kind: string): Promise<Body[]> => (await this.tenant.get(`/v1/admin/incidents?kind=${kind}`)).data;
}

const totalOf = (order: Body): number => order.totals.total.amount;
