import { readFileSync } from "node:fs";
import { idsFile, ports, staff } from "./home.js";
import { check, type Http } from "./http.js";
import { type Side, turn } from "./side.js";

interface Ids {
  readonly products: readonly string[];
  readonly variants: readonly string[];
}
interface Session {
  token?: string;
}

const product =
  "id name slug description featuredAsset { preview } variants { id name sku price priceWithTax currencyCode }";
const line = "id quantity unitPriceWithTax linePriceWithTax productVariant { id name sku }";
const lines = `lines { ${line} }`;
const order = `id code state totalQuantity subTotalWithTax shippingWithTax totalWithTax currencyCode ${lines}`;
const ordered = "id code state orderPlacedAt totalWithTax currencyCode customer { id firstName lastName emailAddress }";
const orError = "... on ErrorResult { errorCode message }";

const documents = {
  list: `query($o: ProductListOptions) { products(options: $o) { totalItems items { ${product} } } }`,
  detail: `query($id: ID!) { product(id: $id) { ${product} } }`,
  add: `mutation($v: ID!) { addItemToOrder(productVariantId: $v, quantity: 1) { ... on Order { ${order} } ${orError} } }`,
  customer: `mutation($c: CreateCustomerInput!, $a: CreateAddressInput!) {
    setCustomerForOrder(input: $c) { ... on Order { id } ${orError} }
    setOrderShippingAddress(input: $a) { ... on Order { ${order} } ${orError} } }`,
  methods: "query { eligibleShippingMethods { id name price priceWithTax } }",
  ship: `mutation($id: [ID!]!) { setOrderShippingMethod(shippingMethodId: $id) { ... on Order { ${order} } ${orError} } }`,
  arrange: `mutation { transitionOrderToState(state: "ArrangingPayment") {
    ... on Order { ${order} } ... on OrderStateTransitionError { errorCode message } } }`,
  pay: `mutation($i: PaymentInput!) { addPaymentToOrder(input: $i) { ... on Order { ${order} } ${orError} } }`,
  orders: `query($o: OrderListOptions) { orders(options: $o) { totalItems items { ${ordered} } } }`,
  login: `mutation($u: String!, $p: String!) { login(username: $u, password: $p) { ... on CurrentUser { id } ${orError} } }`,
};

/** Sends a document to an API. @throws on an error that its answer carries */
async function ask(
  http: Http,
  name: keyof typeof documents,
  variables: object,
  session: Session = {},
  api: "shop-api" | "admin-api" = "shop-api",
) {
  const headers: Record<string, string> = session.token ? { authorization: `Bearer ${session.token}` } : {};
  const onHeaders = ({ "vendure-auth-token": token }: Record<string, unknown>) => {
    if (typeof token === "string") session.token = token;
  };
  const { data, errors } = await http({
    path: `/${api}`,
    headers,
    body: { query: documents[name], variables },
    onHeaders,
  });
  if (errors) throw new Error(`${name}: ${errors[0].message}`);
  for (const answer of Object.values<{ errorCode?: string; message?: string } | null>(data))
    if (answer?.errorCode) throw new Error(`${name}: ${answer.errorCode} ${answer.message}`);
  return data;
}

/** The steps that Vendure's checkout takes between the lines and the order, and the order. */
async function finish(http: Http, session: Session, nth: number): Promise<void> {
  const emailAddress = `buyer${nth}-${Math.random().toString(36).slice(2, 8)}@peer.test`;
  const address = { fullName: "Peer Buyer", streetLine1: "Street 1", city: "Berlin", postalCode: "10115" };
  const customer = { emailAddress, firstName: "Peer", lastName: "Buyer" };
  await ask(http, "customer", { c: customer, a: { ...address, countryCode: "DE" } }, session);
  const { eligibleShippingMethods } = await ask(http, "methods", {}, session);
  await ask(http, "ship", { id: [eligibleShippingMethods[0].id] }, session);
  await ask(http, "arrange", {}, session);
  const { addPaymentToOrder } = await ask(http, "pay", { i: { method: "manual", metadata: {} } }, session);
  check(addPaymentToOrder.state === "PaymentAuthorized");
}

export function vendureSide(): Side {
  const { products, variants }: Ids = JSON.parse(readFileSync(idsFile("vendure"), "utf8"));
  const login: Session = {};
  const add = (http: Http, session: Session, nth: number) => ask(http, "add", { v: turn(variants, nth * 13) }, session);
  async function start(http: Http, nth: number): Promise<Session> {
    const session: Session = {};
    const { addItemToOrder } = await add(http, session, nth);
    check(addItemToOrder.totalQuantity === 1 && session.token !== undefined);
    return session;
  }
  return {
    name: "Vendure",
    origin: `http://127.0.0.1:${ports.vendure}`,
    async prepare(http) {
      await ask(http, "login", { u: staff.email, p: staff.password }, login, "admin-api");
    },
    operations: {
      async list(http, nth) {
        const { items } = (await ask(http, "list", { o: { take: 20, skip: (nth % 50) * 20 } })).products;
        check(items.length === 20 && items[0].variants.length === 4 && items[0].variants[0].priceWithTax > 0);
      },
      async detail(http, nth) {
        const answer = await ask(http, "detail", { id: turn(products, nth * 7) });
        check(answer.product.variants[0].priceWithTax > 0);
      },
      cart: start,
      async checkout(http, nth) {
        const session = await start(http, nth);
        await add(http, session, nth + 1);
        await finish(http, session, nth);
      },
      async orders(http) {
        const filter = { active: { eq: false } };
        const o = { take: 20, skip: 0, sort: { orderPlacedAt: "DESC" }, filter };
        check((await ask(http, "orders", { o }, login, "admin-api")).orders.items.length === 20);
      },
    },
  };
}
