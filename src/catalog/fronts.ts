/**
 * What is known of the proxies that stand in front of a server: how long they keep and wait, what
 * they can take, what they say about the client, and what they do to answers.
 *
 * Every number is the default of the front as its makers ship it, with the version or the page in
 * the comment. Who has changed one says so in `behind: { front, … }`.
 */

/** Where an answer of a health check has to be, and how "take no more" is said. */
export interface FrontHealth {
  /** The statuses that count as healthy, first and last. */
  readonly healthy: readonly [number, number];
  /** A status that ends new traffic without counting as a failure; null when there is none. */
  readonly drainStatus: number | null;
}

/** One kind of front, with its default settings. */
export interface FrontFacts {
  readonly title: string;
  /** How long it keeps a connection to us that rests; Infinity: until we close it. */
  readonly keepAliveMs: number;
  /** How long it waits for an answer, from the request to the head; Infinity for ever. */
  readonly responseMs: number;
  /** The status that its client gets after that. */
  readonly lateStatus: number;
  /** The largest head of an answer that it takes … */
  readonly responseHeadBytesMax: number;
  /** … the largest single field in it … */
  readonly responseFieldBytesMax: number;
  /** … and the status that its client gets for more. */
  readonly tooLargeStatus: number;
  /** The largest head of a request that it sends on. */
  readonly requestHeadBytesMax: number;
  /** Answers with these statuses keep status and fields, and lose their bodies to a page of its. */
  readonly replacedBodies: readonly number[];
  /** Where it connects from: addresses and ranges. */
  readonly addresses: readonly string[];
  /** The fields about the client that it writes itself, whatever the client has sent. */
  readonly fields: readonly string[];
  /** Entries that it adds to X-Forwarded-For; the first of them is whom it speaks for. */
  readonly forwardedEntries: number;
  /** How its active checks judge; null when it sends none. */
  readonly health: FrontHealth | null;
  /** A field that takes us out of its balancing at once, on any answer. */
  readonly drainField: readonly [name: string, value: string] | null;
}

const NO_LIMIT = Number.POSITIVE_INFINITY;
const KIB = 1_024;

/** A proxy on the same machine, in the same cluster, or in the same private network. */
const PRIVATE = [
  ...["127.0.0.0/8", "::1"],
  // RFC 1918 §3 and RFC 4193 §3.
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
  // RFC 3927 §2.1 and RFC 4291 §2.5.6.
  ...["169.254.0.0/16", "fe80::/10"],
];

/** As published at cloudflare.com/ips; the lists have changed twice in ten years. */
const CLOUDFLARE = [
  ...["173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22"],
  ...["141.101.64.0/18", "108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20"],
  ...["197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13"],
  ...["104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22"],
  ...["2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32"],
  ...["2405:8100::/32", "2a06:98c0::/29", "2c0f:f248::/32"],
];

/** The front ends of Google, as its page on firewall rules for load balancers has them. */
const GOOGLE = ["35.191.0.0/16", "130.211.0.0/22"];

const X_FORWARDED = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
const TWO_AND_THREE = [200, 399] as const;
const ONLY_200 = [200, 200] as const;

export const FRONTS = {
  // nginx 1.22 to 1.29: ngx_http_upstream and ngx_http_proxy. From 1.29.7 on it keeps connections
  // to an `upstream` block unasked, so the upgrade alone brings the race with it.
  nginx: {
    title: "nginx",
    keepAliveMs: 60_000,
    // proxy_read_timeout, between two reads.
    responseMs: 60_000,
    lateStatus: 504,
    // proxy_buffer_size is one page: 4 KiB on most machines, 8 on some.
    responseHeadBytesMax: 4 * KIB,
    responseFieldBytesMax: NO_LIMIT,
    tooLargeStatus: 502,
    // large_client_header_buffers 4 8k.
    requestHeadBytesMax: 32 * KIB,
    replacedBodies: [],
    addresses: PRIVATE,
    // By convention: it writes what its configuration says, which is nothing at first.
    fields: [...X_FORWARDED, "x-forwarded-port", "x-real-ip"],
    forwardedEntries: 1,
    health: null,
    drainField: null,
  },
  // Apache httpd 2.4: mod_proxy and mod_proxy_http.
  apache: {
    title: "Apache httpd",
    // Without `ttl` connections are kept for good.
    keepAliveMs: NO_LIMIT,
    // ProxyTimeout is Timeout.
    responseMs: 60_000,
    lateStatus: 502,
    responseHeadBytesMax: NO_LIMIT,
    // responsefieldsize is 8192, line end included.
    responseFieldBytesMax: 8_190,
    tooLargeStatus: 502,
    // LimitRequestFields 100 of LimitRequestFieldSize 8190; more than Node can be set to anyway.
    requestHeadBytesMax: 819_000,
    replacedBodies: [],
    addresses: PRIVATE,
    // ProxyAddHeaders is on; X-Forwarded-Proto is set by hand, which all guides do.
    fields: [...X_FORWARDED, "x-forwarded-server"],
    forwardedEntries: 1,
    health: { healthy: TWO_AND_THREE, drainStatus: null },
    drainField: null,
  },
  // HAProxy 2.6 to 3.x, with the times of the configuration that Debian installs.
  haproxy: {
    title: "HAProxy",
    // pool-purge-delay halves what rests every 5 s; a session's own connection lives as it does.
    keepAliveMs: 60_000,
    // timeout server 50000; without it there is no limit, and a warning at its start.
    responseMs: 50_000,
    lateStatus: 504,
    // tune.bufsize 16384 less tune.maxrewrite 1024.
    responseHeadBytesMax: 15 * KIB,
    responseFieldBytesMax: NO_LIMIT,
    tooLargeStatus: 502,
    requestHeadBytesMax: 15 * KIB,
    replacedBodies: [],
    addresses: PRIVATE,
    // option forwardfor; the protocol is set by hand.
    fields: X_FORWARDED,
    forwardedEntries: 1,
    // http-check disable-on-404, where it is configured.
    health: { healthy: TWO_AND_THREE, drainStatus: 404 },
    drainField: null,
  },
  // AWS: "Application Load Balancers", sections on attributes, limits and troubleshooting.
  "aws-alb": {
    title: "AWS ALB",
    // idle_timeout.timeout_seconds, 1 to 4000, for both sides.
    keepAliveMs: 60_000,
    responseMs: 60_000,
    lateStatus: 504,
    responseHeadBytesMax: 32 * KIB,
    responseFieldBytesMax: 16 * KIB,
    tooLargeStatus: 502,
    requestHeadBytesMax: 64 * KIB,
    replacedBodies: [],
    // The subnets of a balancer are private ones, or public ones that speak from private addresses.
    addresses: PRIVATE,
    // X-Forwarded-Host is the client's own.
    fields: ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"],
    forwardedEntries: 1,
    health: { healthy: ONLY_200, drainStatus: null },
    drainField: null,
  },
  // Cloudflare: "Connection limits", "Cloudflare HTTP headers", "5xx errors".
  cloudflare: {
    title: "Cloudflare",
    keepAliveMs: 900_000,
    // Proxy read timeout; it was 100 s before 2025.
    responseMs: 120_000,
    lateStatus: 524,
    responseHeadBytesMax: 128 * KIB,
    responseFieldBytesMax: NO_LIMIT,
    tooLargeStatus: 520,
    requestHeadBytesMax: 128 * KIB,
    // Only the Enterprise plan can switch it off.
    replacedBodies: [502, 504],
    addresses: CLOUDFLARE,
    fields: [
      ...["x-forwarded-for", "x-forwarded-proto"],
      ...["cf-connecting-ip", "cf-connecting-ipv6", "true-client-ip", "cf-ipcountry", "cf-visitor"],
    ],
    forwardedEntries: 1,
    health: { healthy: ONLY_200, drainStatus: null },
    drainField: null,
  },
  // Google Cloud: "External Application Load Balancer overview", "Quotas and limits".
  "gcp-lb": {
    title: "Google Cloud load balancer",
    // Fixed.
    keepAliveMs: 600_000,
    // The backend service's timeout is for the whole answer.
    responseMs: 30_000,
    lateStatus: 502,
    responseHeadBytesMax: 128 * KIB,
    responseFieldBytesMax: NO_LIMIT,
    tooLargeStatus: 502,
    requestHeadBytesMax: 64 * KIB,
    replacedBodies: [],
    addresses: GOOGLE,
    fields: ["x-forwarded-for", "x-forwarded-proto"],
    // The client's address, and its own.
    forwardedEntries: 2,
    health: { healthy: ONLY_200, drainStatus: null },
    drainField: null,
  },
  // Caddy 2: reverse_proxy with the http transport.
  caddy: {
    title: "Caddy",
    keepAliveMs: 120_000,
    responseMs: NO_LIMIT,
    lateStatus: 504,
    responseHeadBytesMax: 10_240 * KIB,
    responseFieldBytesMax: NO_LIMIT,
    tooLargeStatus: 502,
    requestHeadBytesMax: 1_024 * KIB,
    replacedBodies: [],
    addresses: PRIVATE,
    fields: X_FORWARDED,
    forwardedEntries: 1,
    health: { healthy: [200, 299], drainStatus: null },
    drainField: null,
  },
  // Envoy 1.2x to 1.3x; Istio and Gateway implementations over it change the route's timeout.
  envoy: {
    title: "Envoy",
    // idle_timeout of a cluster.
    keepAliveMs: 3_600_000,
    // timeout of a route, for the whole answer.
    responseMs: 15_000,
    lateStatus: 504,
    // max_response_headers_kb.
    responseHeadBytesMax: 60 * KIB,
    responseFieldBytesMax: NO_LIMIT,
    tooLargeStatus: 502,
    requestHeadBytesMax: 60 * KIB,
    replacedBodies: [],
    addresses: PRIVATE,
    fields: ["x-forwarded-for", "x-forwarded-proto", "x-envoy-external-address"],
    forwardedEntries: 1,
    health: { healthy: ONLY_200, drainStatus: null },
    drainField: ["x-envoy-immediate-health-check-fail", "true"],
  },
} as const satisfies Readonly<Record<string, FrontFacts>>;

export type FrontName = keyof typeof FRONTS;

export const FRONT_NAMES = Object.keys(FRONTS) as readonly FrontName[];

/** What a request shows of the front that sent it. All of the fields must be there. */
export interface FrontSign {
  readonly front: FrontName;
  /** In lower case; the pattern is what the value looks like. */
  readonly fields: readonly (readonly [name: string, value?: RegExp])[];
}

/** The most telling first: one front may pass the fields of another on. */
export const FRONT_SIGNS: readonly FrontSign[] = [
  { front: "envoy", fields: [["x-envoy-expected-rq-timeout-ms"]] },
  { front: "envoy", fields: [["x-envoy-attempt-count"]] },
  { front: "envoy", fields: [["x-envoy-external-address"]] },
  { front: "caddy", fields: [["via", /(?:^|[\s,])[\d.]+ caddy\b/i]] },
  { front: "apache", fields: [["x-forwarded-server"], ["x-forwarded-host"]] },
  { front: "nginx", fields: [["x-real-ip"], ["x-forwarded-for"]] },
  { front: "gcp-lb", fields: [["via", /(?:^|[\s,])[\d.]+ google\b/i], ["x-forwarded-for"]] },
  { front: "aws-alb", fields: [["x-amzn-trace-id", /\bRoot=1-/], ["x-forwarded-port"]] },
  { front: "cloudflare", fields: [["cf-ray", /^[0-9a-f]{16}/], ["cf-connecting-ip"]] },
];

/** Ages at which fronts close a connection that rests, and who does. */
export const FRONT_AGES: readonly (readonly [ageMs: number, fronts: readonly FrontName[]])[] = [
  [60_000, ["nginx", "aws-alb"]],
  [120_000, ["caddy"]],
  [600_000, ["gcp-lb"]],
  [900_000, ["cloudflare"]],
  [3_600_000, ["envoy"]],
];
