/** Metrics as text, in the words of both formats. */
import { describe, expect, it } from "vitest";
import { expose, formatFor } from "../../../src/telemetry/exposition.js";
import type { Family } from "../../../src/telemetry/meter.js";
import { counter, histogram } from "../../../src/telemetry/series.js";

const nothing = (): void => {};

const FAMILIES: readonly Family[] = (() => {
  const calls = counter(["upstream"], 10, nothing);
  calls.add(['or"de\\rs\n'], 2);
  const seconds = histogram(["upstream"], [0.5, 1], 10, nothing);
  for (const value of [0.2, 0.5, 0.7, 9]) seconds.observe(["a"], value);
  return [
    {
      ...{ name: "x_calls_total", type: "counter", labels: ["upstream"] },
      ...{ help: 'Calls, "all"\nof \\ them.', samples: calls.samples() },
    },
    {
      ...{ name: "x_seconds", type: "histogram", labels: ["upstream"] },
      ...{ help: "Seconds.", samples: seconds.samples() },
    },
    { name: "x_up", type: "gauge", labels: [], help: "Up.", samples: [sample(Infinity)] },
  ];
})();

function sample(value: number) {
  return { suffix: "", labels: {}, value };
}

describe("the text of metrics", () => {
  it("in Prometheus' format", () => {
    expect(expose(FAMILIES, "prometheus")).toBe(
      [
        '# HELP x_calls_total Calls, "all"\\nof \\\\ them.',
        "# TYPE x_calls_total counter",
        'x_calls_total{upstream="or\\"de\\\\rs\\n"} 2',
        "# HELP x_seconds Seconds.",
        "# TYPE x_seconds histogram",
        'x_seconds_bucket{upstream="a",le="0.5"} 2',
        'x_seconds_bucket{upstream="a",le="1"} 3',
        'x_seconds_bucket{upstream="a",le="+Inf"} 4',
        'x_seconds_sum{upstream="a"} 10.4',
        'x_seconds_count{upstream="a"} 4',
        "# HELP x_up Up.",
        "# TYPE x_up gauge",
        "x_up +Inf",
        "",
      ].join("\n"),
    );
  });

  it("in OpenMetrics a counter has no suffix in its head, and bounds are floats", () => {
    const text = expose(FAMILIES, "openmetrics");
    expect(text).toContain('# HELP x_calls Calls, \\"all\\"\\nof');
    expect(text).toContain("# TYPE x_calls counter\nx_calls_total{");
    expect(text).toContain('le="1.0"');
    expect(text).toMatch(/\n# EOF\n$/);
  });

  it.each([
    [undefined, "prometheus"],
    ["*/*", "prometheus"],
    ["text/plain", "prometheus"],
    ["application/openmetrics-text", "openmetrics"],
    [
      "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
      "openmetrics",
    ],
    ["application/openmetrics-text;q=0.2, text/plain;q=0.8", "prometheus"],
    ["application/openmetrics-text;q=0", "prometheus"],
    ["application/openmetrics-text;q=x", "prometheus"],
  ])("Accept: %s is answered in %s", (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });
});

describe("series", () => {
  it("are bounded, and what is beyond is counted under other", () => {
    let overflowed = 0;
    const calls = counter(["a", "b"], 2, () => {
      overflowed += 1;
    });
    for (const name of ["x", "y", "z", "w", "x"]) calls.add([name, "1"], 1);
    expect(calls.samples()).toEqual([
      { suffix: "", labels: { a: "x", b: "1" }, value: 2 },
      { suffix: "", labels: { a: "y", b: "1" }, value: 1 },
      { suffix: "", labels: { a: "other", b: "other" }, value: 2 },
    ]);
    expect(overflowed).toBe(2);
  });
});
