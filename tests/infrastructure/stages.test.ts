import { expect, test } from "vitest";
import { withoutNames } from "./resources.js";
import { preview, production } from "./stages.js";

test("production is kept and protected; a preview goes away whole", () => {
  expect(production.app).toMatchObject({ name: "stoa", home: "aws", removal: "retain", protect: true });
  expect(preview.app).toMatchObject({ name: "stoa", home: "aws", removal: "remove", protect: false });
  expect(preview.app.providers).toEqual(production.app.providers);
});

test("a preview has what production has, but alarms and the sender's identity", () => {
  const names = ({ custom }: typeof production) => custom.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
  const only = names(production).filter((name) => !names(preview).includes(name));
  expect(names(preview).filter((name) => !names(production).includes(name))).toEqual([]);
  expect(only.filter((name) => !/^(MetricAlarm |Topic Alarms)/.test(name))).toEqual(["EmailIdentity MailIdentity"]);
});

/** The only settings in which two stages differ: `path of the resource: path of the input`. */
const settings = [
  /^LogGroup \w+: retentionInDays$/,
  /^Stage GatewayStage: defaultRouteSettings$/,
  /^Schedule \w+: (scheduleExpression|target)$/,
  /^Function \w+: environment$/,
];

test("everything that both have differs in the settings of the stage only", () => {
  const differences = preview.custom.flatMap((resource) => {
    const type = resource.type.split(":").at(-1) ?? "";
    const other = production.one(type, resource.name);
    const mine = withoutNames(resource.inputs, "pr-1") as Record<string, unknown>;
    const theirs = withoutNames(other.inputs, "production") as Record<string, unknown>;
    return [...new Set([...Object.keys(mine), ...Object.keys(theirs)])]
      .filter((key) => JSON.stringify(mine[key]) !== JSON.stringify(theirs[key]))
      .map((key) => `${type} ${resource.name}: ${key}`);
  });
  expect(differences.filter((difference) => !settings.some((setting) => setting.test(difference)))).toEqual([]);
  for (const { name, inputs } of preview.all("Function")) {
    const { STAGE: mine, SST_RESOURCE_App: _, ...variables } = inputs.environment.variables;
    const {
      STAGE: theirs,
      SST_RESOURCE_App: __,
      ...same
    } = production.one("Function", name).inputs.environment.variables;
    expect([mine, theirs]).toEqual(["pr-1", "production"]);
    expect(variables).toEqual(same);
  }
});
