/**
 * The documentation is true: generated parts are up to date, snippets compile, answers are what a
 * gateway answers, and what is named (options, commands, files, headings) exists.
 *
 * `UPDATE_DOCS=1 npx vitest run test/docs.test.ts` writes the generated parts anew.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import * as defaults from "../src/catalog/defaults.js";
import { FAILURE_CODES, FAILURES } from "../src/catalog/failures.js";
import * as healthDefaults from "../src/catalog/health-defaults.js";
import { SECTIONS } from "../src/options/option-rules.js";
import { performanceCharts, performanceParts } from "./bench/lib/pages.mjs";
import { answers, steady } from "./tools/docs-answers.js";
import { comingFrom } from "./tools/docs-coming-from.js";
import * as diagnosis from "./tools/docs-diagnosis.js";
import * as doors from "./tools/docs-doors.js";
import { errorPages } from "./tools/docs-errors.js";
import * as events from "./tools/docs-events.js";
import * as failures from "./tools/docs-failures.js";
import * as fronts from "./tools/docs-fronts.js";
import * as hostile from "./tools/docs-hostile.js";
import * as options from "./tools/docs-options.js";
import {
  anchorOf,
  type Page,
  partsOf,
  readPages,
  withoutFences,
  withParts,
} from "./tools/docs-pages.js";
import { recipeTable } from "./tools/docs-recipes.js";
import { compile, snippetsOf } from "./tools/docs-snippets.js";
import { ROOT } from "./tools/source-files.js";

/** A program of the type checker over the whole source takes seconds on a busy machine. */
const CHECKER_MS = 60_000;

const OPTIONS = "src/options/options.ts";
const PROBE_OPTIONS = "src/catalog/options/health.ts";
const FETCH_OPTIONS = "src/doors/fetch/fetch-options.ts";

/** The interfaces whose members people write, each with the part that lists them. */
const INTERFACES: readonly (readonly [part: string, path: string, name: string])[] = [
  ["gateway-options", OPTIONS, "GatewayOptions"],
  ["upstream-sections", OPTIONS, "UpstreamOptions"],
  ["route-options", "src/options/route-options.ts", "RouteOptions"],
  ["mirror-options", "src/catalog/options/mirror.ts", "MirrorOptions"],
  ["upstream-rule-options", "src/catalog/options/upstream-for.ts", "UpstreamRuleOptions"],
  ["target-options", "src/targets/target-options.ts", "TargetInput"],
  ["front-options", "src/options/front-options.ts", "FrontOptions"],
  ["probe-options", PROBE_OPTIONS, "ProbeOptions"],
  ["probe-expectation", PROBE_OPTIONS, "ProbeExpectation"],
  ["balance-options", "src/options/balance-options.ts", "BalanceOptions"],
  ["dns-options", "src/watching/discovery-dns.ts", "DnsOptions"],
  ["sticky-options", "src/catalog/options/balance.ts", "StickyOptions"],
  ["layer-options", "src/catalog/options/layers.ts", "LayerOptions"],
  ["context-options", "src/doors/request-context.ts", "RequestContextOptions"],
  ["context-init", "src/doors/request-context.ts", "ContextInit"],
  ["proxy-options-full", "src/options/proxy-options.ts", "ProxyOptions"],
  ["forwarded-options", "src/wire/forwarded-options.ts", "ForwardedOptions"],
  ["cookie-options", "src/catalog/options/answers.ts", "CookieOptions"],
  ["transform-options", "src/options/answer-options.ts", "TransformOptions"],
  ["fastify-options", "src/adapters/fastify.ts", "FastifyProxyOptions"],
  ["route-failure-options", "src/server/route-failure.ts", "RouteFailureOptions"],
  ["fetch-options", FETCH_OPTIONS, "GatewayFetchOptions"],
  ["call-options", FETCH_OPTIONS, "GatewayCallOptions"],
  ["check-options", "src/lifecycle/health/health-options.ts", "CheckOptions"],
  ["health-options", "src/lifecycle/health/health-paths.ts", "HealthHandlerOptions"],
  ["fastify-health-options", "src/adapters/fastify-health.ts", "FastifyHealthOptions"],
  ["report-options", "src/lifecycle/health/health.ts", "ReportOptions"],
  ["admin-options", "src/adapters/admin.ts", "AdminOptions"],
  ["control-options", "src/adapters/control.ts", "ControlHandlerOptions"],
  ["fleet-options", "src/fleet/fleet.ts", "FleetOptions"],
  ["rate-limit-options", "src/rate-limit/rate-limit.ts", "RateLimitOptions"],
  ["quota-options", "src/rate-limit/quota.ts", "OutgoingQuotaOptions"],
  ["send-options", "src/gateway/send.ts", "SendRequest"],
];

const SECTION_NAMES = Object.keys(SECTIONS) as (keyof typeof SECTIONS)[];

const PARTS: ReadonlyMap<string, string> = new Map([
  ["common-failures", failures.commonFailures()],
  ["codes-by-status", failures.codesByStatus()],
  ["all-failures", failures.allFailures("errors/")],
  ["status-policies", failures.statusPolicies()],
  ["events", events.eventTable()],
  ["metrics", events.metricTable()],
  ["access-fields", events.fieldTable()],
  [
    "access-log-options",
    options.shortOptionTable("src/telemetry/access-log.ts", "AccessLogOptions"),
  ],
  [
    "opentelemetry-options",
    options.shortOptionTable("src/telemetry/opentelemetry.ts", "OpenTelemetryOptions"),
  ],
  ...Object.entries(events.EVENT_DATA).map(
    ([part, name]) => [part, events.memberTable(name)] as const,
  ),
  ["failure-pattern", diagnosis.patternTable()],
  ["standings", diagnosis.standingTable()],
  ["start-checks", diagnosis.startCheckTable()],
  ["fingerprints", diagnosis.fingerprintTable()],
  ["fixed-numbers", options.fixedNumbers()],
  ["doors", doors.doorList()],
  ["doors-gallery", doors.doorsGallery()],
  ["hostile-sum", hostile.hostileSum()],
  ["hostile-kinds", hostile.hostileKinds()],
  ["doors-bodies", doors.doorsBodies()],
  ["doors-promises", doors.doorsPromises()],
  ["recipes", recipeTable()],
  ["recipes", recipeTable()],
  ["fronts", fronts.frontTable()],
  ["front-trust", fronts.frontTrustTable()],
  ["front-signs", fronts.frontSignTable()],
  ...SECTION_NAMES.map((name) => [`section-${name}`, options.sectionTable(name)] as const),
  ...performanceParts(),
  ...comingFrom(),
  ...INTERFACES.map(([part, path, name]) => [part, options.optionTable(path, name)] as const),
]);

let wanted: ReadonlyMap<string, string>;
let pages: readonly Page[];

beforeAll(async () => {
  wanted = new Map([...PARTS, ...(await answers())]);
  if (process.env["UPDATE_DOCS"] === "1") {
    for (const [path, text] of errorPages()) writeFileSync(ROOT + path, text);
    for (const page of readPages()) rewrite(page);
  }
  pages = readPages();
});

describe("generated parts", () => {
  it("every generated part is what its source says now, and every part has a source", () => {
    const stale = pages.flatMap(({ path, text }) =>
      [...partsOf(text)]
        .filter(([name, part]) => steady(part.trim()) !== steady(wanted.get(name)?.trim() ?? "?"))
        .map(([name]) => `${path}: ${name}`),
    );
    expect(stale, "UPDATE_DOCS=1 npx vitest run test/docs.test.ts").toEqual([]);
    const used = new Set(pages.flatMap(({ text }) => [...partsOf(text).keys()]));
    expect([...wanted.keys()].filter((name) => !used.has(name))).toEqual([]);
  });

  it("the charts of the bench are those of its figures", () => {
    const stale = [...performanceCharts()].filter(
      ([name, svg]) => readFileSync(`${ROOT}docs/performance/${name}`, "utf8") !== svg,
    );
    expect(
      stale.map(([name]) => name),
      "npm run bench -- render",
    ).toEqual([]);
  });

  it("a part that was changed by hand is found", () => {
    const text = "<!-- generated:a -->\nold\n<!-- /generated:a -->";
    expect(partsOf(text)).toEqual(new Map([["a", "old\n"]]));
    expect(partsOf(withParts(text, new Map([["a", "new"]]))).get("a")).toBe("new\n");
  });
});

/** What differs only in durations is left as it is, so that nothing changes without a reason. */
function rewrite({ path, text }: Page): void {
  const changed = [...wanted].filter(
    ([name, part]) => steady(partsOf(text).get(name)?.trim() ?? "") !== steady(part.trim()),
  );
  writeFileSync(ROOT + path, withParts(text, new Map(changed)));
}

describe("failures", () => {
  it("every failure stands in one chapter, and has a page that is what the catalog says", () => {
    const inChapters = failures.CHAPTERS.flatMap(([, rows]) => Object.keys(rows));
    expect(inChapters.sort()).toEqual([...FAILURE_CODES].sort());
    const written = pages.filter(({ path }) => path.startsWith("docs/errors/"));
    const texts = new Map(written.map(({ path, text }) => [path, text]));
    expect(texts, "npm run docs; delete pages of failures that are gone").toEqual(errorPages());
  });

  it("an option that a cause or a remedy names exists", () => {
    const known = new Set(
      [...INTERFACES.map(([, path, name]) => options.optionsOf(path, name)), ...sectionOptions()]
        .flat()
        .map(({ name }) => name),
    );
    const named = FAILURE_CODES.flatMap((code) => {
      const { causes, remedies } = FAILURES[code];
      const words = [...causes, ...remedies].join(" ").matchAll(/\b\w+(?:Ms|Max|Min)\b/g);
      return [...words].map(([name]) => ({ code, name }));
    });
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ name }) => !known.has(name))).toEqual([]);
  });

  it("every reason to stop is explained in docs/retries.md and in docs/headers.md", () => {
    const source = readFileSync(`${ROOT}src/core/call.ts`, "utf8");
    const union = /export type StopReason =([^;]*);/.exec(source)?.[1] ?? "";
    const reasons = [...union.matchAll(/"(\w+)"/g)].map(([, reason = ""]) => reason);
    expect(reasons.length).toBeGreaterThan(5);
    for (const path of ["docs/retries.md", "docs/headers.md"]) {
      const told = [...page(path).text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
      expect(told).toEqual(expect.arrayContaining(reasons));
    }
  });
});

function sectionOptions(): readonly (readonly options.Option[])[] {
  return SECTION_NAMES.map((name) => options.sectionOptions(name));
}

describe("options", () => {
  it("the default for local targets is the one of defaults.ts", () => {
    const [connect] = options.sectionOptions("timeouts");
    expect(connect?.text).toContain(String(defaults.TIMEOUTS.connectLocalMs));
  });

  it("the defaults of a check are those that are told", () => {
    const told = (path: string, name: string) =>
      Object.fromEntries(options.optionsOf(path, name).map((one) => [one.name, one.initial]));
    const { checkMs, cacheMs } = healthDefaults.HEALTH;
    expect(told("src/lifecycle/health/health-options.ts", "CheckOptions")).toMatchObject({
      timeoutMs: String(checkMs),
      cacheMs: String(cacheMs),
      critical: "false",
    });
  });

  it("every option is named and explained", () => {
    const documented = page("docs/options.md").text + page("docs/across-layers.md").text;
    for (const [, path, name] of INTERFACES) {
      for (const option of options.optionsOf(path, name)) {
        expect(documented, `${name}.${option.name}`).toContain(`| \`${option.name}\` |`);
        expect(option.text, `${name}.${option.name}`).not.toBe("");
      }
    }
  });

  it("every event and every member of what they carry is explained", () => {
    const silent = [...PARTS]
      .filter(([part]) => part === "events" || part in events.EVENT_DATA)
      .flatMap(([part, text]) =>
        [...text.matchAll(/^\| (`[^|]+) \|.*\| +\|$/gm)].map(([, name]) => `${part}: ${name}`),
      );
    // Phases are explained by their names.
    expect(silent.filter((one) => !one.startsWith("attempt-timings"))).toEqual([]);
  });

  it("every number has a reason, but for those that share one with a neighbour", () => {
    const silent = [...options.fixedNumbers().matchAll(/^\| `([\w.]+)` \| [^|]+ \| +\|$/gm)];
    expect(silent.map(([, name]) => name)).toEqual(["RETRY.backoffFactor"]);
  });
});

describe("snippets", () => {
  it("every snippet compiles against the source", { timeout: CHECKER_MS }, () => {
    const snippets = pages.flatMap(snippetsOf).filter(({ language }) => language === "ts");
    expect(snippets.length).toBeGreaterThan(10);
    // Two that are wrong go with them: they must be found, with their places.
    const wrong = [
      { place: "a.md:1", language: "ts", code: `gateway.upstream("ordres");` },
      { place: "a.md:9", language: "ts", code: `import { gone } from "good-gateway/node";` },
    ];
    expect(compile([...snippets, ...wrong])).toEqual([
      expect.stringContaining("a.md:1, line 1"),
      expect.stringContaining("a.md:9, line 1"),
    ]);
  });

  it("every fence says its language, and code is written as TypeScript", () => {
    const languages = pages.flatMap(snippetsOf).filter(({ language }) => !KNOWN.has(language));
    expect(languages.map(({ place }) => place)).toEqual([]);
  });

  it("the lines of the tour in the README are lines of the tour", async () => {
    const { GROUPS } = (await import("../examples/gateway/tour-cases.mjs")) as TourCases;
    const cases = GROUPS.flatMap((group) => group.cases);
    const lines = [...page("README.md").text.matchAll(/^ ✔ (\w+) +(\S+) +(.+)$/gm)];
    expect(lines.length).toBeGreaterThan(5);
    for (const [line, method, path, rest = ""] of lines) {
      const found = cases.find(
        ({ request, deed }) =>
          request.method === method && request.path === path && rest.startsWith(deed),
      );
      expect(found, line).toBeDefined();
      const [got, code] = rest.slice(found?.deed.length).trim().split(/\s+/);
      const { status = [], whole, codes = [], recoveredFrom } = found?.expected ?? {};
      expect([...status.map(String), ...(whole ? [] : ["cut"])], line).toContain(got);
      expect([...codes, recoveredFrom], line).toContain(code);
    }
  });
});

const KNOWN: ReadonlySet<string> = new Set(["ts", "sh", "text", "http", "json", "nginx"]);

interface TourCases {
  readonly GROUPS: readonly {
    readonly cases: readonly {
      readonly request: { readonly method: string; readonly path: string };
      readonly deed: string;
      readonly expected: {
        readonly status: readonly number[];
        readonly whole: boolean;
        readonly codes: readonly (string | null)[];
        readonly recoveredFrom?: string;
      };
    }[];
  }[];
}

describe("what is named exists", () => {
  it("every npm command is a script of package.json", () => {
    const scripts = new Set(Object.keys(manifest.scripts));
    const named = pages.flatMap(({ path, text }) => [
      ...[...text.matchAll(/\bnpm run (?:-s )?([\w:]+)/g)].map(([, name = ""]) => ({ path, name })),
      ...[...text.matchAll(/\bnpm (start|test)\b/g)].map(([, name = ""]) => ({ path, name })),
    ]);
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter(({ name }) => !scripts.has(name))).toEqual([]);
  });

  it("every link leads to a file and a heading that exist", () => {
    const broken = pages.flatMap(({ path, text }) =>
      [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, to = ""]) => to)
        .filter((to) => !/^https?:/.test(to) && !leadsSomewhere(path, to))
        .map((to) => `${path}: ${to}`),
    );
    expect(broken).toEqual([]);
  });

  it("every file that is named in the text exists", () => {
    const missing = pages.flatMap(({ path, text }) =>
      [...withoutFences(text).matchAll(/`((?:src|test|examples|docs)\/[\w./-]*)`/g)]
        .map(([, named = ""]) => named)
        .filter((named) => !existsSync(ROOT + named))
        .map((named) => `${path}: ${named}`),
    );
    expect(missing).toEqual([]);
  });

  it("every entry of the package is in the README", () => {
    const entries = Object.keys(manifest.exports).filter((entry) => /^\.\/\w+$/.test(entry));
    const { text } = page("README.md");
    for (const entry of entries) expect(text).toContain(`good-gateway${entry.slice(1)}`);
  });
});

function leadsSomewhere(from: string, to: string): boolean {
  const [file = "", anchor] = to.split("#");
  const path = file === "" ? from : posix.join(posix.dirname(from), file);
  if (!existsSync(ROOT + path)) return false;
  return anchor === undefined || headingsOf(page(path)).has(anchor);
}

function headingsOf({ text }: Page): ReadonlySet<string> {
  const found = withoutFences(text).matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...found].map(([, heading = ""]) => anchorOf(heading)));
}

function page(path: string): Page {
  const found = pages.find((one) => one.path === path);
  if (found === undefined) throw new Error(`there is no page ${path}`);
  return found;
}
