/**
 * What every proxy process of the bench has in common: one server, one upstream, one parent.
 *
 * The server's options are Node's own for all of them, so that no proxy is measured under better
 * ones. The process ends with its parent, however that ends.
 */
import { createServer } from "node:http";

/** Origin of the upstream, such as http://127.0.0.1:8080. */
export const ORIGIN = process.argv[2];

/** Listens on a free port of loopback and tells the parent which. */
export function serve(listener) {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
  process.once("disconnect", () => process.exit());
}
