/**
 * No proxy: `node:http` that answers 200 with a line of JSON, which is what refusing is held
 * against.
 */
import { serve } from "./serve.mjs";

const BODY = '{"status":"ok"}\n';
const FIELDS = { "content-type": "application/json", "content-length": BODY.length };

serve((_req, res) => {
  res.writeHead(200, FIELDS);
  res.end(BODY);
});
