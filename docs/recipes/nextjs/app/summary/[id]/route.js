/** A call of your own; its failure has the right status. */
import { gatewayErrorOf } from "good-gateway";
import { ordersFetch } from "../../../lib/gateway.js";

export async function GET(_request, { params }) {
  try {
    const answer = await ordersFetch(`/orders/${(await params).id}`);
    return Response.json({ summary: await answer.text() });
  } catch (error) {
    return new Response("The upstream failed.", { status: gatewayErrorOf(error)?.status ?? 500 });
  }
}
