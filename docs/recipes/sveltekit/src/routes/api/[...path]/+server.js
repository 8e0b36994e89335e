/** /api/orders/7 is sent as /orders/7. */

import { webProxy } from "good-gateway/web";
import { orders } from "../../../lib/server/gateway.js";

const proxy = webProxy(orders, {
  rewritePath: (path) => path.replace(/^\/api/, ""),
  client: (_request, address) => ({ address }),
});

export const fallback = ({ request, getClientAddress }) => proxy(request, getClientAddress());
