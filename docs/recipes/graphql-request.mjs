/** graphql-request: the option `fetch`. A query is a POST: say which operations may be repeated. */
import { createGateway, gatewayErrorOf } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { GraphQLClient } from "graphql-request";

const gateway = createGateway({
  upstreams: { graph: { targets: process.env.GRAPH_URL ?? "http://127.0.0.1:3001" } },
});

const client = new GraphQLClient(`${process.env.GRAPH_URL ?? "http://127.0.0.1:3001"}/graphql`, {
  fetch: gatewayFetch(gateway),
});

// A query changes nothing, so a key allows it to be repeated.
const repeatable = { "idempotency-key": crypto.randomUUID() };
console.log(await client.request("query Flaky { name }", {}, repeatable));
try {
  await client.request("mutation Broken { rename }");
} catch (error) {
  console.log(gatewayErrorOf(error)?.code);
}
gateway.close();
