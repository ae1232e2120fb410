/** What a stage may choose; everything else is the same on all of them. */
export interface StageSettings {
  /** Kept, protected against `sst remove`, watched by alarms, and the owner of the sender's identity in SES. */
  readonly permanent: boolean;
  readonly region: "us-east-1";
  /** Minutes between the ticks of every schedule; without it, those of the topology. */
  readonly everyMinutes?: number;
  readonly logRetention: "3 days" | "1 month";
  /** Of the whole API, per second: more than the largest tenant may use. The limits per tenant are the app's own. */
  readonly requests: { readonly rate: number; readonly burst: number };
}

const production: StageSettings = {
  permanent: true,
  region: "us-east-1",
  logRetention: "1 month",
  requests: { rate: 4_000, burst: 5_000 },
};

/** Slow ticks let the database of an idle preview go to sleep; work that is written wakes the relay by its nudge. */
const preview: StageSettings = {
  permanent: false,
  region: "us-east-1",
  everyMinutes: 60,
  logRetention: "3 days",
  requests: { rate: 20, burst: 40 },
};

export const stageSettings = (stage: string): StageSettings => (stage === "production" ? production : preview);
