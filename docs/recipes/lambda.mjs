/** Functions as a service: the gateway lives outside the handler, so warm calls know its state. */
import { createGateway, gatewayErrorOf } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";

const gateway = createGateway({
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});
const ordersFetch = gatewayFetch(gateway.upstream("orders"));

export async function handler(event, context) {
  // End before the platform ends the function, so that the failure has a name.
  const totalMs = Math.max(context.getRemainingTimeInMillis() - 500, 100);
  try {
    const answer = await ordersFetch(event.rawPath, { gateway: { timeouts: { totalMs } } });
    return { statusCode: answer.status, body: await answer.text() };
  } catch (error) {
    const { status = 500, code = "internal" } = gatewayErrorOf(error) ?? {};
    return { statusCode: status, body: code };
  }
}
