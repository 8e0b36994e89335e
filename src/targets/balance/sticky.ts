/**
 * A cookie that leads a client back to the target that it had.
 *
 * Its value is made from the address by HMAC, so that it reveals nothing of it, is the same in
 * every gateway, and cannot be guessed where a secret is set. What a client makes up leads nowhere
 * else than no cookie.
 */
import { createHmac } from "node:crypto";
import type { BalanceRequest } from "./balancer.js";
import { cookieOf } from "./request-key.js";

export interface StickyCookie {
  readonly cookie: string;
  readonly secret: string;
  /** What stands behind the value in Set-Cookie, RFC 6265 §4.1; begins with a semicolon. */
  readonly attributes: string;
}

/** What a target set and an answer need to know of it. */
export interface Stickiness {
  /** What stands for a target. */
  tokenOf(id: string): string;
  /** What the client has brought along; null without a cookie. */
  tokenIn(request: BalanceRequest): string | null;
  /** The field that makes a client come back to this target; null when it does so already. */
  setCookie(request: BalanceRequest, id: string): string | null;
}

export function stickiness({ cookie, secret, attributes }: StickyCookie): Stickiness {
  const tokenOf = (id: string): string =>
    createHmac("sha256", secret).update(id).digest("base64url").slice(0, TOKEN_LENGTH);
  const tokens = new Map<string, string>();
  const known = (id: string): string => {
    let token = tokens.get(id);
    if (token === undefined) {
      // Targets come and go; what is kept of those that went must end somewhere.
      if (tokens.size >= TOKENS_MAX) tokens.clear();
      token = tokenOf(id);
      tokens.set(id, token);
    }
    return token;
  };
  const tokenIn = (request: BalanceRequest): string | null => cookieOf(request, cookie);
  return {
    tokenOf: known,
    tokenIn,
    setCookie(request, id) {
      const token = known(id);
      return tokenIn(request) === token ? null : `${cookie}=${token}${attributes}`;
    },
  };
}

/** 132 bits. */
const TOKEN_LENGTH = 22;
const TOKENS_MAX = 10_000;
