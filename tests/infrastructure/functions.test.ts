import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { needs } from "../../core/kernel/config.js";
import { bundle, projectRoot } from "../../stacks/local/lambda/bundle.js";
import { capitalize } from "../../stacks/name.js";
import { stageSettings } from "../../stacks/stage.js";
import { type FunctionName, type FunctionSpec, functions } from "../../stacks/topology.js";
import { stages } from "./stages.js";

const specs: [FunctionName, FunctionSpec][] = Object.entries(functions) as [FunctionName, FunctionSpec][];
const RETENTION = { "3 days": 3, "1 month": 30 };

test("every handler exists and bundles, with the packages and files that it needs at run time", async () => {
  const outdir = await mkdtemp(join(tmpdir(), "stoa-bundles-"));
  try {
    const bundles = await bundle(undefined, { outdir });
    expect(Object.keys(bundles).sort()).toEqual(Object.keys(functions).sort());
    for (const [name, { file, export: handler }] of Object.entries(bundles)) {
      const exported = [...(await readFile(file, "utf8")).matchAll(/export\s*\{([^}]*)\}/g)].at(-1)?.[1] ?? "";
      const exports = exported.split(",").map((part) =>
        part
          .trim()
          .split(/\s+as\s+/)
          .at(-1),
      );
      expect(exports, name).toContain(handler);
    }
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
});

test("packages that Lambda installs are dependencies with an exact version, which SST takes from there", async () => {
  const { dependencies } = JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8"));
  for (const name of specs.flatMap(([, { install = [] }]) => install))
    expect(dependencies[name]).toMatch(/^\d+\.\d+\.\d+$/);
});

describe.each(stages)("$stage", ({ stage, all, one, named, resources }) => {
  test("the functions are those of the topology", () => {
    const names = specs.map(([name]) => `${capitalize(name)}LambdaFunction`);
    expect(
      all("Function")
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names.sort());
  });

  test.each(specs)("%s runs as the topology says, on Node 24 and arm64, and logs JSON for a while", (name, spec) => {
    const { inputs } = one("Function", `${capitalize(name)}LambdaFunction`);
    expect(inputs).toMatchObject({
      runtime: "nodejs24.x",
      architectures: ["arm64"],
      timeout: spec.timeout,
      memorySize: spec.memory,
      loggingConfig: { logFormat: "JSON", logGroup: `${capitalize(name)}LambdaLogGroup` },
    });
    const logs = one("LogGroup", `${capitalize(name)}LambdaLogGroup`);
    expect(logs.inputs.retentionInDays).toBe(RETENTION[stageSettings(stage).logRetention]);
  });

  test.each(specs)("%s has each variable that its entry reads, and no other", (name) => {
    const { variables } = one("Function", `${capitalize(name)}LambdaFunction`).inputs.environment;
    const own = Object.keys(variables).filter((variable) => !variable.startsWith("SST_"));
    expect(own.sort()).toEqual([...needs[name]].sort());
    for (const variable of own) expect(variables[variable], variable).toMatch(/\S/);
  });

  test.each(specs)("%s is not run again for a tick that failed", (name) => {
    const { inputs } = one("FunctionEventInvokeConfig", `${capitalize(name)}LambdaEventInvokeConfig`);
    expect(inputs.maximumRetryAttempts).toBe(0);
  });

  test("migrations run before any other function gets its new code, whenever they or a database change", () => {
    for (const [name] of specs.filter(([name]) => name !== "migrate"))
      expect(one("Function", `${capitalize(name)}LambdaFunction`).dependsOn, name).toContain("Migrated");
    const { inputs, dependsOn } = one("Invocation", "Migrated");
    expect(named(inputs.functionName)).toBe("MigrateLambdaFunction");
    expect(dependsOn).toContain("MigrateLambdaFunction");
    expect(inputs.triggers).toEqual({
      package: one("Function", "MigrateLambdaFunction").inputs.s3Key,
      databases: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test("the API takes every path, throttled, with an access log, and leaves CORS to the app", () => {
    const [route, ...routes] = all("Route");
    expect(routes).toEqual([]);
    expect(route?.inputs).toMatchObject({
      routeKey: "$default",
      target: "integrations/GatewayRouteDefaultIntegration-id",
    });
    const integration = one("Integration", "GatewayRouteDefaultIntegration");
    expect(integration.inputs).toMatchObject({ integrationType: "AWS_PROXY", payloadFormatVersion: "2.0" });
    expect(named(integration.inputs.integrationUri)).toBe("ApiLambdaFunction");
    const { rate, burst } = stageSettings(stage).requests;
    expect(one("Stage", "GatewayStage").inputs).toMatchObject({
      defaultRouteSettings: { throttlingRateLimit: rate, throttlingBurstLimit: burst },
      accessLogSettings: { destinationArn: expect.stringContaining("GatewayAccessLog") },
    });
    expect(one("Api", "GatewayApi").inputs.corsConfiguration).toEqual({});
    const { variables } = one("Function", "ApiLambdaFunction").inputs.environment;
    expect(variables.PUBLIC_URL).toBe("https://GatewayApi.execute-api.us-east-1.amazonaws.com");
  });

  test("only the function of Stripe's events has a URL of its own, for anybody, and a limit on how many run", () => {
    const urls = resources.filter(({ type }) => type.endsWith(":FunctionUrl"));
    expect(urls.map(({ inputs }) => [named(inputs.functionName), inputs.authorizationType, inputs.invokeMode])).toEqual(
      [["StripeLambdaFunction", "NONE", "BUFFERED"]],
    );
    expect(urls[0]?.inputs.cors).toBeUndefined();
    for (const [name, { url, concurrency }] of specs) {
      const { inputs } = one("Function", `${capitalize(name)}LambdaFunction`);
      expect(inputs.reservedConcurrentExecutions, name).toBe(concurrency);
      expect(url === undefined, name).toBe(concurrency === undefined);
    }
  });
});
