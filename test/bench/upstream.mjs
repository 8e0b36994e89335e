/**
 * The upstream of the bench: a whole answer for every request, without an HTTP library.
 *
 * It shares a core with the load, so it must cost as little as it can; then the proxy is what
 * limits. It skips bodies by their length, or by their last chunk, and asks no further question.
 * With `--every N` it closes the connection instead of answering each Nth request.
 */
import { createServer } from "node:net";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: "string", default: "0" } },
});
const bodyBytes = Number(positionals[0]);
const dropEvery = Number(values.every);
const answer = Buffer.from(
  [
    "HTTP/1.1 200 OK",
    "Date: Thu, 01 Jan 2026 00:00:00 GMT",
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${bodyBytes}`,
    'ETag: W/"400-bench"',
    "Cache-Control: private, max-age=0, must-revalidate",
    "Vary: Accept-Encoding",
    "X-Request-Id: 01890a5d-ac96-774b-bcce-b302099a8057",
    "",
    "x".repeat(bodyBytes),
  ].join("\r\n"),
);
const END = "\r\n\r\n";
const LAST_CHUNK = "\r\n0\r\n\r\n";
let received = 0;

const server = createServer({ noDelay: true }, (socket) => {
  let rest = "";
  socket.on("data", (chunk) => {
    rest += chunk.latin1Slice();
    for (let end = requestEnd(rest); end !== -1; end = requestEnd(rest)) {
      rest = rest.slice(end);
      received += 1;
      if (dropEvery > 0 && received % dropEvery === 0) return void socket.destroy();
      socket.write(answer);
    }
  });
  socket.on("error", () => socket.destroy());
});

/** Where the first request of this text ends, -1 while it is not whole. */
function requestEnd(text) {
  const head = text.indexOf(END);
  if (head === -1) return -1;
  if (text.startsWith("GET ")) return head + END.length;
  const fields = text.slice(0, head);
  const length = /\r\ncontent-length: *(\d+)/i.exec(fields);
  if (length !== null) {
    const end = head + END.length + Number(length[1]);
    return text.length < end ? -1 : end;
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(fields)) return head + END.length;
  const last = text.indexOf(LAST_CHUNK, head);
  return last === -1 ? -1 : last + LAST_CHUNK.length;
}

// Every address of loopback leads here, so that many targets are many addresses.
server.listen(0, "0.0.0.0", () => process.send({ port: server.address().port }));
process.once("disconnect", () => process.exit());
