/**
 * Names in other libraries for what stands around the pipe: caches, copies, choice of an upstream.
 * Part of `synonyms.ts`.
 */
export const AROUND_SYNONYMS = {
  cache: {
    ...{ maxSize: "storeBytesMax", max: "answersMax", maxEntries: "answersMax" },
    ...{ staleIfError: "staleIfErrorMs", dedupe: "collapse", coalesce: "collapse" },
  },
  mirror: {
    ...{ upstream: "to", target: "to", weight: "share", percent: "share", ratio: "share" },
    ...{ method: "methods", max: "concurrencyMax" },
  },
  upstreamFor: {
    ...{ upstream: "to", target: "to", share: "weight", percent: "weight", ratio: "weight" },
    ...{ headers: "header", cookies: "cookie", hosts: "host", pattern: "path", sticky: "by" },
  },
} as const;
