/** A server component: the page says what is missing instead of failing. */
import { gatewayErrorOf } from "good-gateway";
import { ordersFetch } from "../lib/gateway.js";

export const dynamic = "force-dynamic";

export default async function Page() {
  const text = await ordersFetch("/orders/latest")
    .then((answer) => answer.text())
    .catch((error) => `No orders at the moment: ${gatewayErrorOf(error)?.code}`);
  return <p>{text}</p>;
}
