// The program that Pulumi would run, under Pulumi's own mocks: every resource that the real components ask for is
// written down with its inputs. Bundled and started by synthesis.ts; `stoa:*` are filled in there.

import { writeFileSync } from "node:fs";
import { run } from "stoa:run";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";

const account = "123456789012";
const region = "us-east-1";
const resources = [];

/** ARNs as AWS would write them, since components take them apart. */
const arns = {
  "aws:sqs/queue:Queue": (name) => `arn:aws:sqs:${region}:${account}:${name}`,
  "aws:lambda/function:Function": (name) => `arn:aws:lambda:${region}:${account}:function:${name}`,
  "aws:cloudwatch/eventBus:EventBus": (name) => `arn:aws:events:${region}:${account}:event-bus/${name}`,
  "aws:cloudwatch/eventRule:EventRule": (name) => `arn:aws:events:${region}:${account}:rule/${name}`,
  "aws:iam/role:Role": (name) => `arn:aws:iam::${account}:role/${name}`,
  "aws:cloudwatch/logGroup:LogGroup": (name) => `arn:aws:logs:${region}:${account}:log-group:${name}`,
  "aws:sns/topic:Topic": (name) => `arn:aws:sns:${region}:${account}:${name}`,
};

const outputs = ({ type, name }) => ({
  name,
  arn: arns[type]?.(name) ?? `arn:aws:mock:${region}:${account}:${name}`,
  url: `https://sqs.${region}.amazonaws.com/${account}/${name}`,
  functionUrl: `https://${name.toLowerCase()}.lambda-url.${region}.on.aws/`,
  apiEndpoint: `https://${name}.execute-api.${region}.amazonaws.com`,
  executionArn: `arn:aws:execute-api:${region}:${account}:${name}`,
});

const answers = {
  "aws:iam/getPolicyDocument:getPolicyDocument": (inputs) => ({ ...inputs, json: JSON.stringify(inputs) }),
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({ accountId: account }),
  "aws:index/getRegion:getRegion": () => ({ name: region, region }),
  "aws:index/getPartition:getPartition": () => ({ partition: "aws" }),
};

await pulumi.runtime.setMocks(
  {
    newResource: (resource) => ({
      id: `${resource.name}-id`,
      // A generated name would change from run to run.
      state: { ...resource.inputs, ...outputs(resource) },
    }),
    call({ token, inputs }) {
      const answer = answers[token];
      if (!answer) throw new Error(`The program asks AWS for ${token}: give program.mjs an answer to it.`);
      return answer(inputs);
    },
  },
  $app.name,
  $app.stage,
);

// The mocks are not told what a resource depends on, nor its options; the request that they answer is.
const { registerResource } = MockMonitor.prototype;
MockMonitor.prototype.registerResource = function (request, callback) {
  resources.push({
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    dependsOn: request.getDependenciesList().map((urn) => urn.split("::").at(-1)),
    retainOnDelete: request.getRetainondelete(),
    inputs: pulumi.runtime.deserializeProperties(request.getObject()),
  });
  return registerResource.call(this, request, callback);
};

await pulumi.runtime.runInPulumiStack(async () => {
  const { default: config } = await import("stoa:config");
  return run(config.run);
});
// Components register children in later ticks.
await pulumi.runtime.disconnect();
writeFileSync(process.env.SYNTHESIS_OUT, JSON.stringify(resources));
