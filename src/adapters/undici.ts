/**
 * `gatewayInterceptor` for agents of undici 7 and 8: dispatched requests go through the gateway, by
 * origin, and then to the agent that it is composed with.
 *
 * The types are structural, so that both versions fit; the built-in fetch is one of their callers.
 */
import { type DispatchAsked, dispatchCall, dispatchSteps } from "../doors/dispatch-call.js";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import type { Dispatch } from "../transports/dispatch-run.js";
import { isFetchHandler } from "../transports/fetch-handler.js";

/** The argument of a dispatcher's `compose`, in undici 7 and 8. */
export type GatewayInterceptor = <Dispatching>(dispatch: Dispatching) => Dispatching;

/**
 * An interceptor for `new Agent().compose(…)`. Every origin has an upstream: the configured one, or
 * one of its own with the gateway's defaults. The path chooses among the upstreams of its origin,
 * and never another host. Upgrades and CONNECT bypass it, as do invalid requests, which undici then
 * rejects.
 */
export function gatewayInterceptor(gateway: Gateway): GatewayInterceptor {
  const core = gatewayCore(gateway);
  const stepOf = dispatchSteps();
  const intercept = (dispatch: Dispatch) => {
    // undici recognises an interceptor by its two parameters.
    return (options: object, handler: object): boolean => {
      if (!isCall(options) || !isFetchHandler(handler)) return dispatch(options, handler);
      dispatchCall(core, stepOf, options, handler, dispatch);
      return true;
    };
  };
  return intercept as unknown as GatewayInterceptor;
}

/** RFC 9110 §9.3.6: a tunnel is no exchange, and neither is an upgraded connection. */
function isCall(options: unknown): options is DispatchAsked {
  if (typeof options !== "object" || options === null) return false;
  const { origin, path, method, upgrade } = options as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || typeof method !== "string") return false;
  if (method === "CONNECT" || upgrade) return false;
  return /^https?:/i.test(String(origin)) && URL.canParse(String(origin));
}
