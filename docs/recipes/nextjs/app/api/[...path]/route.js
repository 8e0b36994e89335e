/** /api/orders/7 is sent as /orders/7. */
import { webProxy } from "good-gateway/web";
import { orders } from "../../../lib/gateway.js";

const proxy = webProxy(orders, { rewritePath: (path) => path.replace(/^\/api/, "") });
const handler = (request) => proxy(request);

export const runtime = "nodejs"; // it opens connections of its own
export { handler as DELETE, handler as GET, handler as PATCH, handler as POST, handler as PUT };
