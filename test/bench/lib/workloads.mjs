/**
 * What is asked of the proxies: sizes of answers and of bodies that are sent.
 */
export const WORKLOADS = [
  { name: "get-1k", label: "GET 1 KiB", method: "GET", bodyBytes: 1_024, sentBytes: 0 },
  { name: "get-64k", label: "GET 64 KiB", method: "GET", bodyBytes: 65_536, sentBytes: 0 },
  { name: "get-1m", label: "GET 1 MiB", method: "GET", bodyBytes: 1_048_576, sentBytes: 0 },
  { name: "post-10k", label: "POST 10 KiB", method: "POST", bodyBytes: 1_024, sentBytes: 10_240 },
];

/** The workloads of these names; one GET of that many bytes where a size is given. */
export function chooseWorkloads(names, bodyBytes) {
  if (bodyBytes !== null) {
    const label = `GET ${bodyBytes} bytes`;
    return [{ name: `get-${bodyBytes}`, label, method: "GET", bodyBytes, sentBytes: 0 }];
  }
  const known = WORKLOADS.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--workloads: "${unknown}" is none of ${known.join(", ")}`);
  }
  return names.length === 0 ? WORKLOADS : WORKLOADS.filter(({ name }) => names.includes(name));
}

/** What a browser sends with a call of an application, more or less. */
export const FIELDS = [
  ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
  ["Accept", "application/json, text/plain, */*"],
  ["Accept-Language", "en-GB,en;q=0.5"],
  ["Accept-Encoding", "gzip, deflate, br"],
  ["Referer", "http://shop.example/orders"],
  ["Cookie", "session=0123456789abcdef0123456789abcdef"],
];
export const PATH = "/v1/orders/7?expand=lines";

/** The bytes of one request of a workload. */
export function requestBytes({ method, sentBytes }, host, fields = FIELDS, path = PATH) {
  const length = sentBytes > 0 ? [["Content-Length", String(sentBytes)]] : [];
  const lines = [["Host", host], ...fields, ...length].map(([name, value]) => `${name}: ${value}`);
  const head = `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  return Buffer.from(head + "x".repeat(sentBytes), "latin1");
}
