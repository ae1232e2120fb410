import { expect, test } from "vitest";
import { modules } from "../functions/modules/index.js";
import { projectRoot } from "../stacks/local/lambda/bundle.js";
import { findSilentAlarms, listAlarms } from "./support/alarm.js";

const alarms = modules.flatMap((module) => module.alarms ?? []);

test("a deployment gets the alarms of all modules, without the environment of a function", () => {
  expect(listAlarms(projectRoot)).toEqual(alarms);
  expect(alarms.length).toBeGreaterThan(7);
});

test("the code emits the metric of each alarm, with exactly its dimensions", () => {
  expect(findSilentAlarms(projectRoot, alarms)).toEqual([]);
});

test("an alarm on a metric, a dimension or a value that nothing emits is found", () => {
  const about = { threshold: 0, description: "", action: "" };
  const reason = "tenant_mismatch";
  const wrong = [
    { name: "metric", metric: "MessagesLost", ...about },
    { name: "no dimension", metric: "MessagesDiscarded", ...about },
    { name: "other dimension", metric: "IncidentsOpened", dimensions: { reason }, ...about },
    { name: "value", metric: "MessagesDiscarded", dimensions: { reason: "tenant_missing" }, ...about },
  ];
  expect(findSilentAlarms(projectRoot, wrong)).toEqual(wrong.map(({ name }) => name));
});
