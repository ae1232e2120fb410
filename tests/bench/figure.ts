/** The value below which this share of the values lies; 0 when there are none. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export const median = (values: readonly number[]) => percentileOf(values, 0.5);

/** Milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
}

export const latencyOf = (values: readonly number[]): Latency => ({
  p50: percentileOf(values, 0.5),
  p90: percentileOf(values, 0.9),
  p95: percentileOf(values, 0.95),
  p99: percentileOf(values, 0.99),
});
