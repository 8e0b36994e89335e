/**
 * The options of docs/options.md, and which row of the table shows each of them at work.
 */
import { readFileSync } from "node:fs";
import type { FailureCode } from "good-gateway";
import { PROMISES } from "./all-promises.js";
import type { Door } from "./door.js";
import { cannot, GALLERY } from "./gallery.js";

/** What an option is for: all doors, or some. */
interface Scope {
  readonly prefix: string;
  readonly documentedAt: (door: Door) => boolean;
}

const everywhere = (): boolean => true;
const atProxies = ({ kind }: Door): boolean => kind !== "caller";
const atFetch = ({ name }: Door): boolean => name.startsWith("gatewayFetch");
const atSend = ({ name }: Door): boolean => name === "send";
const atFastify = ({ name }: Door): boolean => name === "fastifyProxy";

const SECTIONS = [
  ...["timeouts", "retry", "breaker", "bulkhead", "adaptiveLimit", "pace", "throttle"],
  ...["hedge", "limits", "cache", "chaos"],
  ...["ejection", "slowStart", "panic"],
];

/** By the part of docs/options.md that lists them. */
const SCOPES: Readonly<Record<string, Scope>> = {
  ...Object.fromEntries(
    SECTIONS.map((name) => [`section-${name}`, { prefix: name, documentedAt: everywhere }]),
  ),
  "gateway-options": { prefix: "gateway", documentedAt: everywhere },
  "upstream-sections": { prefix: "upstream", documentedAt: everywhere },
  "route-options": { prefix: "route", documentedAt: everywhere },
  "mirror-options": { prefix: "mirror", documentedAt: everywhere },
  "upstream-rule-options": { prefix: "upstreamRule", documentedAt: everywhere },
  "target-options": { prefix: "target", documentedAt: everywhere },
  "balance-options": { prefix: "balance", documentedAt: everywhere },
  "probe-options": { prefix: "probe", documentedAt: everywhere },
  "probe-expectation": { prefix: "expect", documentedAt: everywhere },
  "sticky-options": { prefix: "sticky", documentedAt: atProxies },
  "proxy-options-full": { prefix: "proxy", documentedAt: atProxies },
  "forwarded-options": { prefix: "forwarded", documentedAt: atProxies },
  "cookie-options": { prefix: "cookies", documentedAt: atProxies },
  "transform-options": { prefix: "transformBody", documentedAt: atProxies },
  "fastify-options": { prefix: "fastify", documentedAt: atFastify },
  "fetch-options": { prefix: "fetch", documentedAt: atFetch },
  "call-options": { prefix: "call", documentedAt: atFetch },
  "send-options": { prefix: "send", documentedAt: atSend },
};

/** Of the server, of health and of sources of targets: no call through a door meets them. */
export const OF_NO_DOOR: ReadonlySet<string> = new Set([
  "admin-options",
  "check-options",
  "control-options",
  "dns-options",
  "fastify-health-options",
  "fleet-options",
  "front-options",
  "rate-limit-options",
  "quota-options",
  "health-options",
  "report-options",
  "route-failure-options",
  "section-shed",
]);

export interface DocumentedOption {
  readonly id: string;
  readonly documentedAt: (door: Door) => boolean;
}

/** Every option of the page, and the parts that nobody knows. */
export function documentedOptions(page: string): {
  readonly options: readonly DocumentedOption[];
  readonly unknown: readonly string[];
} {
  const options: DocumentedOption[] = [];
  const unknown: string[] = [];
  const parts = page.matchAll(/<!-- generated:([\w-]+) -->\n(.*?)<!-- \/generated/gs);
  for (const [, part = "", text = ""] of parts) {
    const scope = SCOPES[part];
    if (scope === undefined) {
      if (!OF_NO_DOOR.has(part) && part !== "fixed-numbers") unknown.push(part);
      continue;
    }
    for (const [, name] of text.matchAll(/^\| `(\w+)` \|/gm)) {
      options.push({ id: `${scope.prefix}.${name}`, documentedAt: scope.documentedAt });
    }
  }
  return { options, unknown };
}

/** Options that a row of the gallery shows at work. */
const BY_GALLERY: Partial<Record<FailureCode, readonly string[]>> = {
  connection_timeout: ["timeouts.connectMs"],
  http_response_timeout: ["upstream.timeouts", "timeouts.responseMs"],
  connection_read_timeout: ["timeouts.idleMs"],
  tunnel_idle: ["timeouts.tunnelIdleMs"],
  client_stalled: ["timeouts.clientMs", "limits.clientBytesPerSecondMin"],
  deadline_exceeded: ["timeouts.totalMs"],
  response_body_timeout: ["timeouts.bodyMs"],
  bulkhead_full: ["upstream.bulkhead", "bulkhead.concurrencyMax", "bulkhead.queueMax"],
  bulkhead_queue_timeout: ["bulkhead.queueMs"],
  bulkhead_queue_displaced: ["bulkhead.queueStressMs"],
  connection_pool_timeout: ["upstream.limits", "limits.connectionsMax"],
  upstream_throttled: ["throttle.requestsPerAccept"],
  only_if_cached: ["proxy.answerOnlyIfCached"],
  loop_detected: ["gateway.name"],
  connection_refused: ["gateway.upstreams"],
  tls_certificate_error: ["target.tls"],
};

/**
 * Options of what lies below the doors, which decides among targets before any exchange begins: the
 * tests of that part show them, and name them.
 */
export const BELOW: Readonly<Record<string, readonly string[]>> = {
  "test/unit/targets/peers.test.ts": [
    ...["ejection.silenceMs", "ejection.ejectMs", "ejection.ejectedRatioMax"],
    "ejection.ejectMsMax",
  ],
  "test/unit/targets/outlier.test.ts": [
    ...["ejection.latencyFactor", "ejection.volumeMin", "ejection.successDeviations"],
  ],
  "test/unit/targets/slow-start.test.ts": ["slowStart.rampMs", "slowStart.shareMin"],
  "test/unit/targets/health-world.ts": ["upstream.slowStart", "panic.healthyRatioMin"],
  "test/unit/targets/health-model.test.ts": ["upstream.panic"],
  "test/unit/targets/balance/balancers.test.ts": ["balance.loadFactor"],
  "test/unit/targets/target-set.test.ts": ["balance.overflowBelow", "target.zone", "gateway.zone"],
  "test/unit/transports/probe-kinds.test.ts": ["probe.grpc", "probe.command"],
  "test/adapters/fetch-resume.test.ts": ["fetch.resume", "call.resume"],
  "test/pipe/chaos.test.ts": ["chaos.delayMs", "chaos.inProduction"],
  "test/unit/targets/probe-count.test.ts": ["probe.fall", "probe.rise"],
  "test/unit/watching/probe-times.test.ts": [
    "upstream.probe",
    "probe.intervalMs",
    "probe.timeoutMs",
  ],
  "test/adapters/discovery.test.ts": ["upstream.discover"],
  // Of the plugin, whose routes are Fastify's.
  "test/adapters/fastify-ways.test.ts": [
    ...["fastify.websocket", "fastify.httpMethods", "fastify.rewritePath", "fastify.constraints"],
    ...["fastify.config", "fastify.onRequest", "fastify.preParsing", "fastify.preValidation"],
    ...["fastify.preHandler", "fastify.onSend"],
  ],
  "test/unit/gateway/overload.test.ts": ["gateway.shed", "adaptiveLimit.latencyTolerance"],
  "test/unit/server/behind/behind.test.ts": ["gateway.behind"],
  "test/unit/lifecycle/health/health.test.ts": ["upstream.required"],
  "test/unit/lifecycle/start-checks.test.ts": ["gateway.onWarning"],
  "test/pipe/streams.test.ts": ["bulkhead.streamsMax"],
  "test/unit/cache/http-cache.test.ts": [
    ...["cache.storeBytesMax", "cache.answerBytesMax", "cache.answersMax"],
  ],
  "test/unit/targets/upstream-rules.test.ts": ["upstreamRule.host"],
  "test/unit/targets/breaker.test.ts": ["breaker.openMsMax"],
};

/** Whether it is shown at one door at least. */
export function shownAt(id: string, doors: readonly Door[]): readonly Door[] {
  return doors.filter(
    (door) =>
      GALLERY.some(
        (row) => BY_GALLERY[row.code]?.includes(id) === true && cannot(row, door) === null,
      ) ||
      PROMISES.some(([, rows]) =>
        rows.some(
          (row) => row.shows?.includes(id) === true && (row.cannot?.(door) ?? null) === null,
        ),
      ),
  );
}

export function optionsPage(): string {
  return readFileSync(new URL("../../docs/options.md", import.meta.url), "utf8");
}

/** Whether a row shows an option at a door, or says in one word why that door cannot. */
export function isTold(id: string, door: Door): boolean {
  const gallery = GALLERY.some((row) => BY_GALLERY[row.code]?.includes(id) === true);
  if (gallery) return true;
  void door;
  return PROMISES.some(([, rows]) => rows.some(({ shows }) => shows?.includes(id) === true));
}
