/** One gateway for the process: route handlers and server components are bundled apart. */
import { createGateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";

globalThis.gateway ??= createGateway({
  name: "edge",
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});

export const orders = globalThis.gateway.upstream("orders");
export const ordersFetch = gatewayFetch(orders);
