import { createGateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";

const gateway = createGateway({
  name: "edge",
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});

export const orders = gateway.upstream("orders");
export const ordersFetch = gatewayFetch(orders);
// adapter-node emits it when the server has closed.
process.once("sveltekit:shutdown", () => gateway.close());
