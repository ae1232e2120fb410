import * as z from "zod";
import { AwsError, arnOf, type Operation, operation } from "./aws-json.js";

export const Target = z.strictObject({
  Id: z.string(),
  Arn: z.string().startsWith("arn:aws:sqs:"),
  DeadLetterConfig: z.object({ Arn: z.string().optional() }).optional(),
  RetryPolicy: z
    .object({
      MaximumRetryAttempts: z.number().int().min(0).max(185).optional(),
      MaximumEventAgeInSeconds: z.number().int().min(60).max(86_400).optional(),
    })
    .optional(),
  SqsParameters: z.object({ MessageGroupId: z.string().optional() }).optional(),
});
export type Target = z.output<typeof Target>;

export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly pattern: string;
  /** Values of `source` that the pattern names. */
  readonly sources: readonly string[];
  readonly description: string | undefined;
  enabled: boolean;
  readonly targets: Map<string, Target>;
}

export interface Bus {
  readonly name: string;
  readonly arn: string;
  readonly rules: Map<string, Rule>;
}

export type Buses = ReturnType<typeof createBuses>;

const Pattern = z.strictObject({ source: z.array(z.string()).min(1) });

/** Patterns name sources only, as the topology's one rule does. @throws AwsError for every other pattern */
function sourcesOf(pattern: string): readonly string[] {
  try {
    return Pattern.parse(JSON.parse(pattern)).source;
  } catch {
    throw new AwsError("InvalidEventPatternException", "Event pattern is not valid. Here it names sources only.");
  }
}

/** The event buses of one account, with their rules; `default` always exists. */
export function createBuses() {
  const all = new Map<string, Bus>();

  /** `given`: a name or an ARN; none means the default bus. */
  const find = (given = "default") => all.get(given.split("/").at(-1) ?? "");

  function require(given: string | undefined): Bus {
    const bus = find(given);
    if (!bus) throw new AwsError("ResourceNotFoundException", `Event bus ${given} does not exist.`);
    return bus;
  }

  function create(name: string): Bus {
    const bus = { name, arn: arnOf("events", `event-bus/${name}`), rules: new Map() };
    all.set(name, bus);
    return bus;
  }

  function putRule(bus: Bus, name: string, pattern: string, enabled = true, description?: string): Rule {
    const arn = arnOf("events", bus.name === "default" ? `rule/${name}` : `rule/${bus.name}/${name}`);
    const targets = bus.rules.get(name)?.targets ?? new Map();
    const rule = { name, arn, pattern, sources: sourcesOf(pattern), description, enabled, targets };
    bus.rules.set(name, rule);
    return rule;
  }

  create("default");
  return { all, find, require, create, putRule };
}

const onBus = { EventBusName: z.string().optional() };
const named = { Name: z.string(), ...onBus };

function requireRule(buses: Buses, name: string, busName: string | undefined): Rule {
  const bus = buses.require(busName);
  const rule = bus.rules.get(name);
  if (!rule) throw new AwsError("ResourceNotFoundException", `Rule ${name} does not exist on EventBus ${bus.name}.`);
  return rule;
}

const describe = (rule: Rule, bus: Bus) => ({
  Name: rule.name,
  Arn: rule.arn,
  EventPattern: rule.pattern,
  State: rule.enabled ? "ENABLED" : "DISABLED",
  Description: rule.description,
  EventBusName: bus.name,
});

const ruleOperations = (buses: Buses): Record<string, Operation> => ({
  PutRule: operation(
    {
      ...named,
      EventPattern: z.string().optional(),
      ScheduleExpression: z.string().optional(),
      State: z.enum(["ENABLED", "DISABLED"]).optional(),
      Description: z.string().optional(),
    },
    (input) => {
      if (!input.EventPattern || input.ScheduleExpression)
        throw new AwsError("ValidationException", "A rule has an EventPattern here; schedules are kept elsewhere.");
      const bus = buses.require(input.EventBusName);
      const enabled = input.State !== "DISABLED";
      return { RuleArn: buses.putRule(bus, input.Name, input.EventPattern, enabled, input.Description).arn };
    },
  ),

  DescribeRule: operation(named, ({ Name, EventBusName }) =>
    describe(requireRule(buses, Name, EventBusName), buses.require(EventBusName)),
  ),

  ListRules: operation({ NamePrefix: z.string().optional(), ...onBus }, ({ NamePrefix = "", EventBusName }) => {
    const bus = buses.require(EventBusName);
    return {
      Rules: [...bus.rules.values()]
        .filter(({ name }) => name.startsWith(NamePrefix))
        .map((rule) => describe(rule, bus)),
    };
  }),

  EnableRule: operation(named, ({ Name, EventBusName }) => {
    requireRule(buses, Name, EventBusName).enabled = true;
  }),

  DisableRule: operation(named, ({ Name, EventBusName }) => {
    requireRule(buses, Name, EventBusName).enabled = false;
  }),

  DeleteRule: operation(named, ({ Name, EventBusName }) => {
    const { rules } = buses.require(EventBusName);
    if (rules.get(Name)?.targets.size)
      throw new AwsError("ValidationException", "Rule can't be deleted since it has targets.");
    rules.delete(Name);
  }),
});

const targetOperations = (buses: Buses): Record<string, Operation> => ({
  PutTargets: operation({ Rule: z.string(), ...onBus, Targets: z.array(Target) }, (input) => {
    const { targets } = requireRule(buses, input.Rule, input.EventBusName);
    for (const target of input.Targets) targets.set(target.Id, target);
    return { FailedEntryCount: 0, FailedEntries: [] };
  }),

  ListTargetsByRule: operation({ Rule: z.string(), ...onBus }, (input) => ({
    Targets: [...requireRule(buses, input.Rule, input.EventBusName).targets.values()],
  })),

  RemoveTargets: operation({ Rule: z.string(), ...onBus, Ids: z.array(z.string()) }, (input) => {
    const { targets } = requireRule(buses, input.Rule, input.EventBusName);
    const missing = input.Ids.filter((id) => !targets.delete(id));
    const FailedEntries = missing.map((TargetId) => ({
      TargetId,
      ErrorCode: "ResourceNotFoundException",
      ErrorMessage: `Rule ${input.Rule} does not have a target ${TargetId}.`,
    }));
    return { FailedEntryCount: missing.length, FailedEntries };
  }),
});

const busOperations = (buses: Buses): Record<string, Operation> => ({
  CreateEventBus: operation({ Name: z.string().regex(/^[\w./-]{1,256}$/) }, ({ Name }) => {
    if (buses.find(Name)) throw new AwsError("ResourceAlreadyExistsException", `Event bus ${Name} already exists.`);
    return { EventBusArn: buses.create(Name).arn };
  }),

  DescribeEventBus: operation({ Name: z.string().optional() }, ({ Name }) => {
    const { name, arn } = buses.require(Name);
    return { Name: name, Arn: arn };
  }),

  ListEventBuses: operation({ NamePrefix: z.string().optional() }, ({ NamePrefix = "" }) => ({
    EventBuses: [...buses.all.values()]
      .filter(({ name }) => name.startsWith(NamePrefix))
      .map(({ name, arn }) => ({ Name: name, Arn: arn })),
  })),
});

/** Operations on buses, rules and targets. */
export const setupOperations = (buses: Buses): Record<string, Operation> => ({
  ...busOperations(buses),
  ...ruleOperations(buses),
  ...targetOperations(buses),
});
