import { z } from "zod";
import { type Module, route } from "../engine/engine.js";
import { Failure } from "../engine/failure.js";
import { disconnect } from "./account.js";

/** OAuth errors have a shape of their own. @see https://docs.stripe.com/connect/oauth-reference */
class OAuthFailure extends Failure {
  constructor(
    status: number,
    readonly error: string,
    readonly description: string,
  ) {
    super(status, { type: "invalid_request_error", message: description });
  }
  override get payload() {
    return { error: this.error, error_description: this.description };
  }
}

/** The merchant or the platform ends the connection. */
export const oauth: Module = {
  routes: [
    route(
      "POST",
      "/oauth/deauthorize",
      z.strictObject({ client_id: z.string().optional(), stripe_user_id: z.string().optional() }),
      ({ params: { client_id, stripe_user_id = "" } }, store) => {
        if (!client_id?.startsWith("ca_"))
          throw new OAuthFailure(401, "invalid_client", "No such application, or it does not belong to you.");
        const account = store.find("account", stripe_user_id);
        if (!account)
          throw new OAuthFailure(
            401,
            "invalid_client",
            `This application is not connected to stripe account ${stripe_user_id}, or that account does not exist.`,
          );
        disconnect(account, store);
        return { stripe_user_id };
      },
    ),
  ],
};
