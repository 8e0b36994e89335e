/** axios: its fetch adapter takes a fetch function. */
import axios from "axios";
import { createGateway, gatewayErrorOf } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";

const gateway = createGateway({
  upstreams: { orders: { targets: process.env.ORDERS_URL ?? "http://127.0.0.1:3001" } },
});
const ordersFetch = gatewayFetch(gateway);

const client = axios.create({
  baseURL: process.env.ORDERS_URL ?? "http://127.0.0.1:3001",
  adapter: "fetch",
  env: { fetch: ordersFetch, Request, Response },
});

const { data } = await client.get("/orders/7");
console.log(data);
const created = await client.post("/orders", { amount: 1 });
console.log(created.data);
try {
  await client.post("/broken", { amount: 1 });
} catch (error) {
  console.log(gatewayErrorOf(error)?.code); // axios wraps the error
}
gateway.close();
