/**
 * docs/coming-from.md: what the proxies and resilience packages of Node can do, our way in one
 * line, and the test that shows it.
 */
import { table } from "./docs-pages.js";

/** What it is called there, what is written here, and the title of a test in a file. */
type Row = readonly [there: string, here: string, title: string, file: string];

const rows = (file: string, ...more: readonly (readonly [string, string, string])[]): Row[] =>
  more.map((row) => [...row, file] as const);

const DOORS = "test/doors/promises/";
const ANSWERS = `${DOORS}answers.ts`;
const FIELDS = `${DOORS}fields.ts`;
const POLICIES = `${DOORS}policies.ts`;
const WAYS = "test/adapters/fastify-ways.test.ts";
const SETTINGS = `${DOORS}request-settings.ts`;

const HPM: readonly Row[] = [
  ...rows(
    FIELDS,
    [
      "`pathRewrite`",
      '`rewritePath: (path) => path.replace(/^\\/api/, "")`, may be async',
      "the path that is sent can be rewritten",
    ],
    [
      "`changeOrigin`",
      '`host: "target"`',
      "the client's Host is preserved, or the target's is sent where that is asked for",
    ],
    [
      "`headers`, `auth`, `on.proxyReq`",
      "`requestHeaders: { authorization }`, or a function",
      "fields of the request can be set and removed",
    ],
    [
      "`xfwd`",
      "on; `forwarded: { trust }`",
      "a trusted client's forwarding fields are continued, in the form that is asked for",
    ],
    [
      "`on.error`",
      "`onFailure`, with name, blame and status",
      "onFailure gets the blame, the status of the answer, and a summary",
    ],
    [
      "`ws`",
      '`server.on("upgrade", nodeProxy(upstream).upgrade)`',
      "a tunnel is opened for websocket alone, unless others are named",
    ],
  ),
  ...rows(
    ANSWERS,
    [
      "`autoRewrite`, `hostRewrite`, `protocolRewrite`",
      '`redirects: "rewrite"`',
      "redirects of the upstream lead the client back through the proxy",
    ],
    [
      "`cookieDomainRewrite`, `cookiePathRewrite`",
      '`cookies: { domain: false, path: "rewrite" }`',
      "cookies of the upstream get the domain and the path of the client",
    ],
    [
      "`selfHandleResponse` with `on.proxyRes`",
      "`onResponse: () => ({ status, headers, body })`",
      "a hook replaces status, fields and body, and the upstream's body is dropped",
    ],
    [
      "`responseInterceptor`",
      "`transformBody`, whole or as a stream",
      "bodies of the named types are transformed, decoded before and encoded again",
    ],
  ),
  [
    "`router`",
    "`upstreamFor`, or `overrides: () => ({ upstream })`",
    "a hook chooses the upstream of one request",
    `${DOORS}elsewhere.ts`,
  ],
  [
    "`timeout`, `proxyTimeout`",
    "`timeouts` of the upstream, or `overrides`",
    "a request has times of its own, over its route, and the others have theirs",
    SETTINGS,
  ],
  [
    "`secure: false`, `ssl`",
    "`tls` of the target",
    "a certificate that is replaced on disk is shown by the next connection",
    "test/adapters/target-tls.test.ts",
  ],
];

const FASTIFY: readonly Row[] = [
  ["`prefix`", "`prefix`", "a prefix is taken off before a request is sent", `${DOORS}settings.ts`],
  ...rows(
    WAYS,
    [
      "`rewritePrefix`, parameters of the prefix",
      "`rewritePath: (path, req, { params }) => …`",
      "a rewriting is given the parameters of the prefix, and may take its time",
    ],
    [
      "`httpMethods`, `constraints`, `config`, `preHandler`",
      "the same",
      "methods, constraints, settings and hooks belong to one registration",
    ],
    [
      "`preValidation` and other hooks",
      "the same",
      "each hook of a registration runs, in Fastify's order",
    ],
    [
      "`websocket`",
      "`websocket: true`, behind the hooks of the application",
      "upgrades below a prefix pass the hooks of the application first",
    ],
  ),
  [
    "`replyOptions.rewriteHeaders`",
    "`responseHeaders`",
    "fields of an answer are set and removed, and framing stays ours",
    ANSWERS,
  ],
  [
    "`replyOptions.onResponse`",
    "`onResponse`",
    "a hook looks at each answer, in the context of its request, and passes it on",
    ANSWERS,
  ],
  [
    "`replyOptions.rewriteRequestHeaders`",
    "`requestHeaders`",
    "fields of the request can be set and removed",
    FIELDS,
  ],
  [
    "`replyOptions.onError`",
    "`onFailure`",
    "onFailure is called before a failure is answered, and may answer itself",
    FIELDS,
  ],
  [
    "`retriesCount`, `retryMethods`, `maxRetriesOn503`",
    "`retry: { attemptsMax }`",
    "a call is repeated as often as it may be",
    POLICIES,
  ],
  [
    "`customRetry`, `retryDelay`",
    "`retry: { when }`",
    "a failure is repeated, or is not, as the application says, within what is safe",
    `${DOORS}judging.ts`,
  ],
  [
    "`replyOptions.getUpstream`",
    "`upstreamFor`, or `overrides: () => ({ upstream })`",
    "a hook chooses the upstream of one request",
    `${DOORS}elsewhere.ts`,
  ],
];

const EXPRESS: readonly Row[] = [
  ["`proxyReqPathResolver`", "`rewritePath`", "the path that is sent can be rewritten", FIELDS],
  [
    "`proxyReqOptDecorator`",
    "`requestHeaders`, `host`, `overrides`",
    "a request has attempts of its own",
    SETTINGS,
  ],
  ...rows(
    ANSWERS,
    [
      "`userResDecorator`",
      "`transformBody`",
      "bodies of the named types are transformed, decoded before and encoded again",
    ],
    [
      "`userResHeaderDecorator`",
      "`responseHeaders`",
      "fields of an answer are set and removed, and framing stays ours",
    ],
    [
      "`skipToNextHandlerFilter`",
      '`onStatus: { 404: "next" }`',
      "an answer is left to the next handler by its status, where there is one",
    ],
  ),
  [
    "`proxyErrorHandler`",
    "`onFailure`",
    "onFailure is called before a failure is answered, and may answer itself",
    FIELDS,
  ],
  [
    "`limit`",
    "`limits.requestBodyBytesMax`",
    "a request body that grows above the limit is cut, and not taken for whole",
    `${DOORS}limits.ts`,
  ],
  [
    "`preserveHostHdr`",
    '`host: "preserve"`, the default',
    "the client's Host is preserved, or the target's is sent where that is asked for",
    FIELDS,
  ],
];

const RESILIENCE: readonly Row[] = [
  ...rows(
    POLICIES,
    [
      "opossum `errorThresholdPercentage`, cockatiel `SamplingBreaker`",
      "`breaker: { failureRatio }`",
      "a breaker opens by the share of failures within a window",
    ],
    [
      "cockatiel `ConsecutiveBreaker`",
      "`breaker: { consecutiveFailures }`",
      "a breaker opens after failures in a row, and closes after good trials",
    ],
    [
      "cockatiel `retry`, `ExponentialBackoff`",
      "`retry: { backoffBaseMs, backoffMsMax }`",
      "repeats wait, longer each time, up to a limit",
    ],
  ),
  [
    "opossum `errorFilter`, cockatiel `handleType`",
    "`breaker: { counts }`",
    "a failure counts against its target, or does not, as the application says",
    `${DOORS}judging.ts`,
  ],
  [
    "opossum `fallback`, cockatiel `fallback`",
    "`fallback`",
    "an answer of the application stands in, and the failure stays in the record",
    `${DOORS}fallbacks.ts`,
  ],
  [
    "opossum `open()`, `close()`, cockatiel `isolate()`",
    "`upstream.targets.openBreaker(id)`, `closeBreaker(id)`",
    "a breaker is opened and closed by hand",
    `${DOORS}by-hand.ts`,
  ],
  [
    "opossum `capacity`, cockatiel `bulkhead`",
    "`bulkhead`",
    "one caller cannot take all places",
    `${DOORS}fairness.ts`,
  ],
];

const CLIENTS: readonly Row[] = [
  [
    "ky, got `retry.limit`",
    "`retry: { attemptsMax }` of a fetch",
    "a fetch repeats as often as it says, and so does a call",
    `${DOORS}applications.ts`,
  ],
  [
    "ky `shouldRetry`, got `calculateDelay`, axios-retry `retryCondition`",
    "`retry: { when }`",
    "a failure is repeated, or is not, as the application says, within what is safe",
    `${DOORS}judging.ts`,
  ],
  [
    "ky, got `timeout`",
    "`timeouts` of a fetch or call",
    "a fetch cuts in its own time, and so does a call",
    `${DOORS}applications.ts`,
  ],
  [
    "ky `throwHttpErrors: false`",
    '`onFailure: "respond"`',
    "a failure is a Response where that is asked for",
    `${DOORS}applications.ts`,
  ],
  [
    "ky `retry.afterStatusCodes`",
    "`Retry-After`, bounded by `retryAfterWaitMsMax`",
    "a Retry-After that is longer than may be waited ends the call",
    POLICIES,
  ],
  [
    "got `maxResponseSize`",
    "`limits.responseBodyBytesMax`, decoded",
    "an answer's body that grows above the limit is cut",
    `${DOORS}limits.ts`,
  ],
  [
    "got `https.pfx`, `checkServerIdentity`",
    "`tls` of the target",
    "a key with a passphrase, an archive, versions and a check of one's own",
    "test/adapters/target-tls.test.ts",
  ],
];

export const COMING_FROM: Readonly<Record<string, readonly Row[]>> = {
  "http-proxy-middleware": HPM,
  "fastify-http-proxy": FASTIFY,
  "express-http-proxy": EXPRESS,
  "opossum-cockatiel": RESILIENCE,
  "got-ky": CLIENTS,
};

/** The parts of the page. */
export function comingFrom(): readonly (readonly [part: string, text: string])[] {
  return Object.entries(COMING_FROM).map(([name, all]) => [
    `from-${name}`,
    table(
      ["there", "here", "shown by"],
      all.map(([there, here, title, file]) => [there, here, `[${title}](../${file})`]),
    ),
  ]);
}
