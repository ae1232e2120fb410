// The storefront of the demo shops: a list, a cart, and a purchase by card, with nothing but the API.
const root = document.getElementById("shop");
const { key, slug, country, state } = JSON.parse(root.dataset.shop);
const at = (id) => document.getElementById(id);
/** The cart and the order of this tab: only the cart's token opens them. */
const kept = {
  read: () => JSON.parse(sessionStorage.getItem(slug) ?? "{}"),
  write: (value) => sessionStorage.setItem(slug, JSON.stringify(value)),
};

const figure = ({ amount, currency }) => {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
};

function element(name, text, more = {}) {
  const made = Object.assign(document.createElement(name), more);
  if (text !== undefined) made.textContent = text;
  return made;
}

function tell(text, isBad = false) {
  at("news").textContent = text;
  at("news").hidden = text === "";
  at("news").classList.toggle("bad", isBad);
}

/** One request of the API, which the page lists. @throws Error with what the API says */
async function ask(method, path, body, headers = {}) {
  const { token } = kept.read();
  const began = performance.now();
  const response = await fetch(path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(token && { "x-cart-token": token }),
      ...(body && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  const took = Math.round(performance.now() - began);
  at("requests").append(element("li", `${method} ${path.replace(/_\w{26}/g, "_…")} → ${response.status}, ${took} ms`));
  if (!response.ok) throw new Error([answer.detail, ...(answer.errors ?? []).map(({ detail }) => detail)].join(" "));
  return answer;
}

/** The cart of this tab, made with its first line. */
async function addLine(variantId) {
  const { cartId } = kept.read();
  if (cartId) return ask("POST", `/v1/store/carts/${cartId}/lines`, { variantId, quantity: 1 }, { "if-match": "*" });
  const cart = await ask("POST", "/v1/store/carts", { lines: [{ variantId, quantity: 1 }] });
  kept.write({ cartId: cart.id, token: cart.token });
  return cart;
}

function showCart(cart) {
  const rows = cart.lines.map((line) => {
    const row = element("tr");
    const remove = element("button", "Remove", { type: "button" });
    remove.onclick = () =>
      act(async () =>
        showCart(await ask("DELETE", `/v1/store/carts/${cart.id}/lines/${line.id}`, undefined, { "if-match": "*" })),
      );
    const cells = [element("td", `${line.quantity} × ${line.productName}, ${line.variantName}`)];
    cells.push(element("td", figure(line.total), { className: "number" }), element("td"));
    cells[2].append(remove);
    row.append(...cells);
    return row;
  });
  const table = element("table");
  table.append(...rows);
  const total = element("p", `Total ${figure(cart.totals.total)}`, { className: "total" });
  at("cart").replaceChildren(...(rows.length > 0 ? [table, total] : [element("p", "Nothing yet.")]));
  at("checkout").hidden = rows.length === 0;
}

function showProducts(products) {
  at("products").replaceChildren(
    ...products.map(({ name, description, variants }) => {
      const card = element("section");
      const picture = element("div", name.slice(0, 1), { className: "picture" });
      const choices = element("div", undefined, { className: "choices" });
      for (const variant of variants.filter(({ price }) => price)) {
        const button = element("button", `${variant.name}  ${figure(variant.price)}`, { type: "button" });
        button.disabled = variant.available === 0;
        button.onclick = () => act(async () => showCart(await addLine(variant.id)));
        choices.append(button);
      }
      card.append(picture, element("h2", name), element("p", description, { className: "quiet" }), choices);
      return card;
    }),
  );
}

/** Delivery, then the order with its payment on Stripe's page. */
async function checkOut(form) {
  const { email, ...address } = Object.fromEntries(new FormData(form));
  const { cartId, token } = kept.read();
  const cart = `/v1/store/carts/${cartId}`;
  const shippingAddress = { ...address, country, ...(state && { state }) };
  const any = { "if-match": "*" };
  await ask("PATCH", cart, { email, shippingAddress }, any);
  const { data } = await ask("GET", `${cart}/shipping-options`);
  const { totals } = await ask("PATCH", cart, { shippingOptionId: data[0]?.id }, any);
  const payment = { provider: "stripe", method: "checkout_session", returnUrl: location.href };
  const once = { "idempotency-key": crypto.randomUUID() };
  const done = await ask("POST", `${cart}/complete`, { payment, expectedTotal: totals.total }, once);
  kept.write({ orderId: done.order.id, token });
  location.assign(done.payment.action.url);
}

/** After the return from Stripe's page: the order of this tab, and what became of its payment. */
async function showOrder(orderId) {
  const look = () => ask("GET", `/v1/store/orders/${orderId}?wait=2`);
  let order = await look();
  for (let tries = 0; order.paymentStatus === "pending" && tries < 10; tries += 1) order = await look();
  const isPaid = ["captured", "authorized"].includes(order.paymentStatus);
  tell(
    `Order ${order.number} over ${figure(order.totals.total)} is ${isPaid ? "paid. Thank you!" : order.paymentStatus}`,
  );
  if (isPaid) kept.write({});
}

let busy = Promise.resolve();
/** One after the other: a second click waits for the cart of the first. */
function act(work) {
  busy = busy.then(async () => {
    try {
      tell("");
      await work();
    } catch ({ message }) {
      tell(message, true);
    }
  });
}

at("checkout").onsubmit = (event) => {
  event.preventDefault();
  act(() => checkOut(event.target));
};

act(async () => {
  showProducts((await ask("GET", "/v1/store/products")).data);
  const { cartId, orderId } = kept.read();
  if (orderId) await showOrder(orderId);
  if (cartId) showCart(await ask("GET", `/v1/store/carts/${cartId}`));
});
