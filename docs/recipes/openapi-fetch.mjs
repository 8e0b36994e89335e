/** openapi-fetch: the option `fetch`. */
import { createGateway, gatewayErrorOf } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import createClient from "openapi-fetch";

const gateway = createGateway({
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});

const client = createClient({
  baseUrl: process.env.ORDERS_URL ?? "http://127.0.0.1:3001",
  fetch: gatewayFetch(gateway),
});

const one = await client.GET("/orders/{id}", { params: { path: { id: 7 } }, parseAs: "text" });
console.log(one.data);
const created = await client.POST("/orders", { body: { amount: 1 }, parseAs: "text" });
console.log(created.data);
try {
  await client.POST("/broken", { body: { amount: 1 } });
} catch (error) {
  console.log(gatewayErrorOf(error)?.code);
}
gateway.close();
