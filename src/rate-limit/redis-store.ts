/**
 * `redisStore`: counts in Redis or Valkey by one script, on the server's clock, over whichever
 * client the application has: node-redis, ioredis or iovalkey, also of a cluster.
 *
 * Guarantee: one round trip for each question, nothing is read and written apart, and every key
 * expires by itself when its limit is full again.
 */
import { createHash } from "node:crypto";
import { shown } from "../options/findings.js";
import type { RateRule, RateTaken } from "./gcra.js";
import type { RateStore } from "./store.js";

/** ioredis and iovalkey, as far as they are used. */
export interface IoRedisClient {
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>;
  evalsha(sha: string, keys: number, ...args: string[]): Promise<unknown>;
}

/** node-redis, as far as it is used. */
export interface NodeRedisClient {
  eval(script: string, options: ScriptOptions): Promise<unknown>;
  evalSha(sha: string, options: ScriptOptions): Promise<unknown>;
}

export interface ScriptOptions {
  keys: string[];
  arguments: string[];
}

export interface RedisStoreOptions {
  /**
   * Begins every key; name it after the deployment.
   * @default "good-gateway:"
   */
  readonly prefix?: string;
}

/**
 * A clock of the server, and a backlog that ends at a moment of it: the value of a key. Times are
 * in milliseconds, written with what a double can hold.
 */
const TAKE = `
local time = redis.call("TIME")
local now = time[1] * 1000 + time[2] / 1000
local unit, burst, units, partial = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local backlog = math.max(0, (tonumber(redis.call("GET", KEYS[1])) or 0) - now)
local room = math.max(0, math.floor((burst - backlog) / unit * (1 + 1e-9) + 1e-9))
local granted = units
if units > room then granted = partial == "1" and room or 0 end
backlog = math.max(0, backlog + granted * unit)
if granted ~= 0 then
  if backlog <= 0 then redis.call("DEL", KEYS[1])
  else
    local ends = string.format("%.3f", now + backlog)
    redis.call("SET", KEYS[1], ends, "PX", math.ceil(backlog) + 1000)
  end
end
return {tostring(granted), string.format("%.3f", backlog)}
`;

/** Members by the moment at which each is absent. */
const MEMBERS = `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
redis.call("ZADD", KEYS[1], now + ARGV[2], ARGV[1])
redis.call("PEXPIRE", KEYS[1], ARGV[2])
return redis.call("ZCARD", KEYS[1])
`;

type Run = (script: RedisScript, key: string, args: string[]) => Promise<unknown>;

interface RedisScript {
  readonly text: string;
  readonly sha: string;
}

/** A store for `rateLimit` and `outgoingQuota`. Every wait for it has a deadline of theirs. */
export function redisStore(
  client: IoRedisClient | NodeRedisClient,
  options: RedisStoreOptions = {},
): RateStore {
  const { prefix = "good-gateway:" } = options;
  if (typeof prefix !== "string") throw new TypeError(`prefix: ${shown(prefix)} is not a text`);
  const run = runner(client);
  const take = script(TAKE);
  const members = script(MEMBERS);
  return {
    kind: "redis",
    async take(key, units, { unitMs, burstMs }: RateRule, partial) {
      const args = [unitMs, burstMs, units, partial ? 1 : 0].map(String);
      return takenOf(await run(take, `${prefix}rate:${key}`, args));
    },
    async members(limit, member, absentMs) {
      const key = `${prefix}rate-members:${limit}`;
      return Number(await run(members, key, [member, String(absentMs)]));
    },
  };
}

function script(text: string): RedisScript {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

function runner(client: IoRedisClient | NodeRedisClient): Run {
  const by = Object(client) as Partial<IoRedisClient> & Partial<NodeRedisClient>;
  if (typeof by.evalSha === "function") {
    const node = client as NodeRedisClient;
    return oncePerServer(
      (sha, keys, args) => node.evalSha(sha, { keys, arguments: args }),
      (text, keys, args) => node.eval(text, { keys, arguments: args }),
    );
  }
  if (typeof by.evalsha === "function") {
    const io = client as IoRedisClient;
    return oncePerServer(
      (sha, keys, args) => io.evalsha(sha, keys.length, ...keys, ...args),
      (text, keys, args) => io.eval(text, keys.length, ...keys, ...args),
    );
  }
  throw new TypeError(
    "redisStore: expected a client of redis, ioredis or iovalkey, which can run scripts",
  );
}

type Send = (script: string, keys: string[], args: string[]) => Promise<unknown>;

/** A server that does not know the script, such as one that was restarted, is given its text. */
function oncePerServer(bySha: Send, byText: Send): Run {
  return async ({ text, sha }, key, args) => {
    try {
      return await bySha(sha, [key], args);
    } catch (error) {
      if (!String((error as Error | null)?.message).startsWith("NOSCRIPT")) throw error;
      return byText(text, [key], args);
    }
  };
}

function takenOf(reply: unknown): RateTaken {
  const [granted, backlogMs] = (Array.isArray(reply) ? reply : []).map(Number);
  if (granted === undefined || backlogMs === undefined || !Number.isFinite(granted + backlogMs)) {
    throw new TypeError(`redisStore: the script answered ${shown(reply)}`);
  }
  return { granted, backlogMs };
}
