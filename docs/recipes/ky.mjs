/** ky: the option `fetch`. Only one of the two repeats: here the gateway. */
import { createGateway, gatewayErrorOf } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import ky from "ky";

const gateway = createGateway({
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});

const client = ky.create({
  prefix: process.env.ORDERS_URL ?? "http://127.0.0.1:3001",
  fetch: gatewayFetch(gateway),
  retry: 0,
});

console.log(await client.get("orders/7").text());
console.log(await client.post("orders", { json: { amount: 1 } }).text());
try {
  await client.post("broken", { json: { amount: 1 } });
} catch (error) {
  console.log(gatewayErrorOf(error)?.code);
}
gateway.close();
