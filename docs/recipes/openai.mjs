/** SDKs that stream, such as openai: the option `fetch`. Only one of the two repeats. */
import { createGateway, gatewayErrorOf } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import OpenAI from "openai";

const gateway = createGateway({
  upstreams: {
    models: {
      targets: process.env.MODELS_URL ?? "https://api.openai.com",
      // A model thinks before its first byte, and between two of them.
      timeouts: { responseMs: 60_000, totalMs: 120_000, idleMs: 60_000 },
    },
  },
});

const client = new OpenAI({
  apiKey: process.env.MODELS_KEY,
  baseURL: `${process.env.MODELS_URL ?? "https://api.openai.com"}/v1`,
  fetch: gatewayFetch(gateway),
  maxRetries: 0,
});

const ask = (content) =>
  client.chat.completions.create({
    model: "small",
    stream: true,
    messages: [{ role: "user", content }],
  });

for await (const part of await ask("hello")) console.log(part.choices[0]?.delta.content);
try {
  for await (const part of await ask("break")) console.log(part.choices[0]?.delta.content);
} catch (error) {
  console.log(gatewayErrorOf(error)?.code); // a stream that breaks is no whole answer
}
gateway.close();
