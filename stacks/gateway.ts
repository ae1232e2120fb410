import { stageSettings } from "./stage.js";

const { logRetention, requests } = stageSettings($app.stage);

/** The HTTP API; the app itself answers CORS, since it knows the tenant's origins. */
export const gateway = new sst.aws.ApiGatewayV2("Gateway", {
  cors: false,
  accessLog: { retention: logRetention },
  transform: {
    stage: { defaultRouteSettings: { throttlingRateLimit: requests.rate, throttlingBurstLimit: requests.burst } },
  },
});
