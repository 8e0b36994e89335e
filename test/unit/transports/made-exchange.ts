/** Exchanges without a pipe above them, on a clock that the test moves. */
import type { Clock } from "../../../src/base/clock.js";
import { Call, type CallOverrides } from "../../../src/core/call.js";
import type { GatewayRequest } from "../../../src/core/request.js";
import { Exchange } from "../../../src/targets/exchange.js";
import { createTarget, parseTarget, type Target } from "../../../src/targets/target.js";

export function targetAt(origin = "http://127.0.0.1:8080"): Target {
  return createTarget(parseTarget(origin), null);
}

export function requestWith(changes: Partial<GatewayRequest> = {}): GatewayRequest {
  return {
    method: "GET",
    path: "/",
    headers: [],
    body: null,
    contentLength: null,
    replayable: false,
    upgrade: null,
    onInformation: null,
    ...changes,
  };
}

export interface ExchangeOptions {
  readonly request?: Partial<GatewayRequest>;
  readonly overrides?: CallOverrides;
  readonly target?: Target;
}

export function exchangeOn(clock: Clock, options: ExchangeOptions = {}): Exchange {
  const { request, overrides, target } = options;
  const call = new Call(requestWith(request), clock.now(), "id", overrides ?? null);
  const attempt = {
    call,
    number: 1,
    triedTargets: [],
    further: 1,
    target: null,
    running: null,
    hedges: null,
  };
  return new Exchange(clock, attempt, target ?? targetAt());
}
