/**
 * The fields that a proxy must not pass on (RFC 9110 §7.6.1), for the bare proxies of the bench.
 */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
  // Node has answered it before the proxy sees the request.
  "expect",
]);

/** Names and values in turn, without those of this hop; `connection` is the field's value. */
export function endToEnd(raw, connection) {
  const named = connection === undefined ? null : namedBy(connection);
  const fields = [];
  for (let index = 0; index < raw.length; index += 2) {
    const lower = raw[index].toLowerCase();
    if (HOP_BY_HOP.has(lower) || named?.has(lower)) continue;
    fields.push(raw[index], raw[index + 1]);
  }
  return fields;
}

/** Null for the usual values, which name no field. */
function namedBy(connection) {
  if (connection === "keep-alive" || connection === "close") return null;
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}

/** Whether a request brings a body, RFC 9112 §6.3. */
export function hasBody({ headers }) {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
