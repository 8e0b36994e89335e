/** What scenario.mjs exports, for the test. */
export interface ScenarioResult {
  readonly method: string;
  readonly sent: number;
  readonly answeredWell: number;
  readonly tries: number;
  readonly latency: Readonly<Record<"p50" | "p90" | "p99" | "p999" | "max", number>>;
  readonly slow: number;
  readonly executedTwice: number;
  readonly waitedOnSilent: number;
  readonly failed: readonly {
    readonly id: string;
    readonly atMs: number;
    readonly status: number | null;
    readonly fate: "in flight" | "answered 503" | "unknown";
  }[];
}

export function playScenario(options: {
  readonly method: "GET" | "POST";
  /** What differs from the defaults. */
  readonly upstream?: object;
}): Promise<ScenarioResult>;
