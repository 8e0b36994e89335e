/** A call of your own; its failure has the right status. */

import { error, json } from "@sveltejs/kit";
import { gatewayErrorOf } from "good-gateway";
import { ordersFetch } from "../../../lib/server/gateway.js";

export async function GET({ params }) {
  const answer = await ordersFetch(`/orders/${params.id}`).catch((failed) => {
    error(gatewayErrorOf(failed)?.status ?? 500, "The upstream failed.");
  });
  return json({ summary: await answer.text() });
}
