import type Stripe from "stripe";
import type { Action, Module, PageRequest, World } from "../engine/engine.js";
import { Failure, refused } from "../engine/failure.js";
import { attempt, failAuthentication } from "../payment/attempt.js";
import { failSetup, finishSetup } from "../payment/setup-intent.js";
import { page, withQuery } from "./markup.js";

type Intent = Stripe.PaymentIntent | Stripe.SetupIntent;

const worldOf = (account: string | undefined, platform: World) =>
  platform.in(account === "platform" ? undefined : account);

function intentOf(id: string, world: World): Intent {
  return id.startsWith("seti_") ? world.get("setup_intent", id) : world.get("payment_intent", id);
}

/** The shopper's answer to the bank. Answers the intent as it is then. */
function answerBank(intent: Intent, success: boolean, world: World): Intent {
  if (intent.status !== "requires_action") throw refused("Nothing waits for authentication here.");
  const method = world.get("payment_method", String(intent.payment_method));
  if (intent.object === "setup_intent")
    return success
      ? finishSetup(intent, method, world)
      : failSetup(intent, method, "setup_intent_authentication_failure", world);
  if (!success) return failAuthentication(intent, world);
  try {
    return attempt(intent, method, { authenticated: true }, world);
  } catch (error) {
    if (error instanceof Failure && error.status === 402) return world.get("payment_intent", intent.id);
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

function found({ path, query }: PageRequest, platform: World): [Intent, World] {
  const world = worldOf(path.account, platform);
  const intent = intentOf(path.id ?? "", world);
  if (query.get("secret") !== intent.client_secret) throw refused("This link is not valid.", { status: 404 });
  return [intent, world];
}

const answer: Action = ({ account, payment_intent, setup_intent, outcome }, platform) => {
  const world = worldOf(typeof account === "string" ? account : undefined, platform);
  return answerBank(intentOf(String(payment_intent ?? setup_intent), world), outcome !== "fail", world);
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
        const [intent, world] = found(request, platform);
        // Checkout has its own way back, whoever made the intent.
        const back = request.query.get("back");
        const own = back?.startsWith(`${world.publicUrl}/`) ? back : undefined;
        const returnUrl = own ?? intent.next_action?.redirect_to_url?.return_url;
        return returnTo(answerBank(intent, request.form.get("outcome") === "complete", world), returnUrl);
      },
    },
  ],
  actions: { authenticate: answer },
};
