/**
 * The upstream of the bench: a whole answer for every head of a request, without an HTTP library.
 *
 * It shares a core with the load, so it must cost as little as it can; then the proxy is what
 * limits. It reads requests without a body only, and asks no question about them.
 */
import { createServer } from "node:net";

const bodyBytes = Number(process.argv[2]);
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

const server = createServer({ noDelay: true }, (socket) => {
  let rest = "";
  socket.on("data", (chunk) => {
    let text = rest + chunk.latin1Slice();
    for (let end = text.indexOf(END); end !== -1; end = text.indexOf(END)) {
      text = text.slice(end + END.length);
      socket.write(answer);
    }
    rest = text;
  });
  socket.on("error", () => socket.destroy());
});

server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.once("disconnect", () => process.exit());
