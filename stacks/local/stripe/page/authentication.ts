import type Stripe from "stripe";
import type { Action, Module, PageRequest, Store } from "../engine/engine.js";
import { Failure, refused } from "../engine/failure.js";
import { attempt, failAuthentication } from "../payment/attempt.js";
import { failSetup, finishSetup } from "../payment/setup-intent.js";
import { page, withQuery } from "./markup.js";

type Intent = Stripe.PaymentIntent | Stripe.SetupIntent;

const storeOf = (account: string | undefined, platform: Store) =>
  platform.in(account === "platform" ? undefined : account);

function intentOf(id: string, store: Store): Intent {
  return id.startsWith("seti_") ? store.get("setup_intent", id) : store.get("payment_intent", id);
}

/** Applies the shopper's answer to the bank; returns the changed intent. */
function answerBank(intent: Intent, success: boolean, store: Store): Intent {
  if (intent.status !== "requires_action") throw refused("Nothing waits for authentication here.");
  const method = store.get("payment_method", String(intent.payment_method));
  if (intent.object === "setup_intent")
    return success
      ? finishSetup(intent, method, store)
      : failSetup(intent, method, "setup_intent_authentication_failure", store);
  if (!success) return failAuthentication(intent, store);
  try {
    return attempt(intent, method, { authenticated: true }, store);
  } catch (error) {
    if (error instanceof Failure && error.status === 402) return store.get("payment_intent", intent.id);
    throw error;
  }
}

function returnTo(intent: Intent, returnUrl: string | null | undefined) {
  if (!returnUrl) return { html: page("Done", "<h1>Thank you</h1><p>You can close this window.</p>") };
  const kind = intent.object;
  const failed = intent.status === "requires_payment_method";
  const redirect = withQuery(returnUrl, {
    [kind]: intent.id,
    [`${kind}_client_secret`]: intent.client_secret,
    redirect_status: failed ? "failed" : "succeeded",
  });
  return { redirect };
}

const form = page(
  "Authentication",
  `<h1>Your bank asks who is there</h1><form method="post">
<button name="outcome" value="complete">Complete</button>
<button name="outcome" value="fail" class="second">Fail</button></form>`,
);

function found({ path, query }: PageRequest, platform: Store): [Intent, Store] {
  const store = storeOf(path.account, platform);
  const intent = intentOf(path.id ?? "", store);
  if (query.get("secret") !== intent.client_secret) throw refused("This link is not valid.", { status: 404 });
  return [intent, store];
}

const answer: Action = ({ account, payment_intent, setup_intent, outcome }, platform) => {
  const store = storeOf(typeof account === "string" ? account : undefined, platform);
  return answerBank(intentOf(String(payment_intent ?? setup_intent), store), outcome !== "fail", store);
};

export const authentication: Module = {
  pages: [
    {
      method: "GET",
      path: "/authenticate/:account/:id",
      run(request, platform) {
        const [intent] = found(request, platform);
        return intent.status === "requires_action"
          ? { html: form }
          : { html: page("Nothing to do", "<h1>Nothing to do here</h1>"), status: 410 };
      },
    },
    {
      method: "POST",
      path: "/authenticate/:account/:id",
      run(request, platform) {
        const [intent, store] = found(request, platform);
        // Checkout returns to its own page instead of the intent's return URL.
        const back = request.query.get("back");
        const own = back?.startsWith(`${store.publicUrl}/`) ? back : undefined;
        const returnUrl = own ?? intent.next_action?.redirect_to_url?.return_url;
        return returnTo(answerBank(intent, request.form.get("outcome") === "complete", store), returnUrl);
      },
    },
  ],
  actions: { authenticate: answer },
};
