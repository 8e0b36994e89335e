/** ofetch: `createFetch` takes a fetch function. Only one of the two repeats: here the gateway. */
import { createGateway, gatewayErrorOf } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { createFetch } from "ofetch";

const gateway = createGateway({
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});

const client = createFetch({
  fetch: gatewayFetch(gateway),
  defaults: { baseURL: process.env.ORDERS_URL ?? "http://127.0.0.1:3001", retry: 0 },
});

console.log(await client("/orders/7"));
console.log(await client("/orders", { method: "POST", body: { amount: 1 } }));
try {
  await client("/broken", { method: "POST", body: { amount: 1 } });
} catch (error) {
  console.log(gatewayErrorOf(error)?.code);
}
gateway.close();
