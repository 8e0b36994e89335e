/**
 * `good-gateway/rate-limit`: limits for those who ask, quotas for what is sent, and what counts
 * them for several processes.
 */
export { type ClusterStoreOptions, clusterStore } from "./cluster-store.js";
export { type FlexibleLimiter, type FlexibleResult, flexibleStore } from "./flexible-store.js";
export type { RateDecision, RateRule, RateTaken } from "./gcra.js";
export type { RateTierOptions } from "./limit-options.js";
export { type OutgoingQuotaOptions, outgoingQuota } from "./quota.js";
export {
  admitAll,
  type LimitableRequest,
  type RateLimit,
  type RateLimitOptions,
  rateLimit,
} from "./rate-limit.js";
export {
  type IoRedisClient,
  type NodeRedisClient,
  type RedisStoreOptions,
  redisStore,
  type ScriptOptions,
} from "./redis-store.js";
export type { AddressKey, LimitedRequest, RateKey } from "./request-keys.js";
export type { RateStore } from "./store.js";
