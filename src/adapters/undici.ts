/**
 * `gatewayInterceptor` for agents of undici 7 and 8: what is dispatched goes through the gateway,
 * by origin, and then to the agent that it is composed around.
 *
 * The types are structural, so that both versions fit; the built-in fetch is one of their callers.
 */
import { type DispatchAsked, dispatchCall, dispatchSteps } from "../gateway/dispatch-call.js";
import { type Gateway, gatewayCore } from "../gateway/gateway.js";
import type { Dispatch } from "../transports/dispatch-run.js";

/** What `compose` of a dispatcher takes, in undici 7 and 8. */
export type GatewayInterceptor = <Dispatching>(dispatch: Dispatching) => Dispatching;

/**
 * An interceptor for `new Agent().compose(…)`. Every origin has an upstream: the one that is
 * configured for it, or one of its own with the gateway's defaults. Upgrades and CONNECT pass it
 * by.
 */
export function gatewayInterceptor(gateway: Gateway): GatewayInterceptor {
  const core = gatewayCore(gateway);
  const stepOf = dispatchSteps();
  const intercept = (dispatch: Dispatch) => {
    // undici knows an interceptor by its two parameters.
    return (options: DispatchAsked, handler: object): boolean => {
      if (!isCall(options)) return dispatch(options, handler);
      dispatchCall(core, stepOf, options, handler, dispatch);
      return true;
    };
  };
  return intercept as unknown as GatewayInterceptor;
}

/** RFC 9110 §9.3.6: a tunnel is no exchange, and neither is what an upgrade makes of one. */
function isCall({ origin, method, upgrade }: DispatchAsked): boolean {
  if (origin === undefined || method === "CONNECT") return false;
  if (upgrade !== undefined && upgrade !== null && upgrade !== false) return false;
  return /^https?:/.test(String(origin));
}
