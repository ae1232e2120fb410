import { describe, expect, test } from "vitest";
import { openStrings } from "./resources.js";
import { stages } from "./stages.js";
import { secrets } from "./synthesis.js";

const receive = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"];
const on = (queue: string, actions: readonly string[]) => actions.map((action) => `${action} ${queue}`);

/** Everything that a role may do: a new permission is a decision that is made here too. */
const allowed: Record<string, readonly string[]> = {
  ApiLambdaRole: on("NudgeQueue", ["sqs:SendMessage", "sqs:GetQueueAttributes"]),
  EventsLambdaRole: [...on("EventsQueue", receive), "sqs:SendMessage NudgeQueue"],
  JobsLambdaRole: [...on("JobsQueue", receive), "sqs:SendMessage NudgeQueue", `ses:SendEmail ${secrets.MailFrom}`],
  RelayLambdaRole: [...on("NudgeQueue", receive), "events:PutEvents BusBus", "sqs:SendMessage JobsQueue"],
  StripeLambdaRole: ["sqs:SendMessage NudgeQueue"],
  ScheduleLambdaRole: ["sqs:SendMessage NudgeQueue"],
  MigrateLambdaRole: [],
  RelayTickRole: ["lambda:InvokeFunction RelayLambdaFunction", "sqs:SendMessage TickDeadLetterQueue"],
  SweepTickRole: ["lambda:InvokeFunction ScheduleLambdaFunction", "sqs:SendMessage TickDeadLetterQueue"],
};

describe.each(stages)("$stage", ({ all, statements, named, custom, resources }) => {
  test("no policy has a wildcard in an action, a resource or a principal", () => {
    expect(statements.length).toBeGreaterThan(10);
    for (const statement of statements)
      for (const text of [...statement.actions, ...statement.resources, ...statement.principals])
        expect(text, `${statement.of}: ${text}`).not.toContain("*");
    const open = all("Permission").filter(({ inputs }) => inputs.principal.includes("*"));
    // Two grants make a URL public: that of the URL, and since October 2025 that of the function behind it.
    expect(
      open
        .map(({ inputs: { action, function: name, functionUrlAuthType, invokedViaFunctionUrl } }) => [
          action,
          named(name),
          functionUrlAuthType ?? invokedViaFunctionUrl,
        ])
        .sort(),
    ).toEqual([
      ["lambda:InvokeFunction", "StripeLambdaFunction", true],
      ["lambda:InvokeFunctionUrl", "StripeLambdaFunction", "NONE"],
    ]);
  });

  test("each role may do what is listed, and nothing else", () => {
    const permissions = Object.fromEntries(
      all("Role").map(({ name }) => [
        name,
        statements
          .filter(({ of, principals }) => of === name && principals.length === 0)
          .flatMap(({ actions, resources }) => resources.flatMap((arn) => on(named(arn), actions)))
          .sort(),
      ]),
    );
    expect(permissions).toEqual(
      Object.fromEntries(Object.entries(allowed).map(([name, list]) => [name, [...list].sort()])),
    );
  });

  test("a role is assumed by its own service only, and has AWS's policy for logs at most", () => {
    for (const { name, inputs } of all("Role")) {
      const service = name.endsWith("TickRole") ? "scheduler.amazonaws.com" : "lambda.amazonaws.com";
      const trusted = statements.filter(({ of, principals }) => of === name && principals.length > 0);
      expect(
        trusted.flatMap(({ principals }) => principals),
        name,
      ).toEqual([service]);
      expect(inputs.managedPolicyArns ?? [], name).toEqual(
        name.endsWith("TickRole") ? [] : ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
      );
    }
    expect(custom.filter(({ type }) => /:(RolePolicy|RolePolicyAttachment|Policy|UserPolicy)$/.test(type))).toEqual([]);
  });

  test("secrets are in the environment of the functions that need them, encrypted in the state, and nowhere else", () => {
    const { MailFrom: _, StripePublishableKey: __, ...confidential } = secrets;
    const open = resources.flatMap(({ name, inputs }) => openStrings(inputs).map((text) => `${name}: ${text}`));
    const holders = (value: string) =>
      custom
        .filter(({ inputs }) => JSON.stringify(inputs).includes(JSON.stringify(value).slice(1, -1)))
        .map(({ name }) => name);
    for (const value of Object.values(confidential)) expect(open.filter((text) => text.includes(value))).toEqual([]);
    const where = (name: keyof typeof confidential) =>
      holders(confidential[name])
        .map((holder) => holder.replace("LambdaFunction", ""))
        .sort();
    expect(where("DatabaseUrl")).toEqual(["Api", "Events", "Jobs", "Migrate", "Schedule", "Stripe"]);
    expect(where("RelayDatabaseUrl")).toEqual(["Migrate", "Relay"]);
    expect(where("MigrateDatabaseUrl")).toEqual(["Migrate"]);
    expect(where("TokenKeys")).toEqual(["Api"]);
    expect(where("DataKey")).toEqual(["Api"]);
    expect(where("StripeSecretKey")).toEqual(["Api", "Jobs"]);
    expect(where("StripeWebhookSecrets")).toEqual(["Stripe"]);
    expect(where("StripeConnectWebhookSecrets")).toEqual(["Stripe"]);
  });
});
