/**
 * Asks by anything with the signature of fetch, and reads the Response to its end.
 */
import { type Answered, type Asked, type AskOptions, RequestBody } from "../door.js";
import { bodyOf, callerCall } from "./caller-call.js";

export type AnyFetch = (input: string | Request, init?: RequestInit) => Promise<Response>;

export function askByFetch(
  fetch: AnyFetch,
  base: string,
  asked: Asked,
  how: AskOptions,
): Promise<Answered> {
  return callerCall(how, async ({ signal, pace }, onHead) => {
    const url = base + (asked.path ?? "/x");
    const init = initOf(asked, signal);
    const { body } = asked;
    const response = await (body instanceof RequestBody
      ? fetch(body.of(url, init) as Request, {})
      : fetch(url, init));
    const head = { status: response.status, fields: [...response.headers] };
    onHead(head);
    const bytes = await bytesOf(response, pace, (bytes) => onHead({ ...head, bytes }));
    return { ...head, ending: "whole", bytes };
  });
}

export function initOf(asked: Asked, signal: AbortSignal): RequestInit {
  const given = bodyOf(asked);
  const body = given instanceof RequestBody ? undefined : given;
  const headers = Object.entries(asked.fields ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, one] as [string, string]),
  );
  return {
    method: asked.method ?? "GET",
    headers,
    redirect: "manual",
    signal,
    ...(asked.call === undefined ? {} : { gateway: asked.call }),
    ...(body === undefined
      ? {}
      : { body: body as NonNullable<RequestInit["body"]>, duplex: "half" }),
  };
}

async function bytesOf(
  { body }: Response,
  pace: () => Promise<void>,
  soFar: (bytes: Buffer) => void,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  if (body === null) return Buffer.alloc(0);
  const reader = body.getReader();
  try {
    for (;;) {
      await pace();
      const { done, value } = await reader.read();
      if (done) return Buffer.concat(chunks);
      chunks.push(value);
    }
  } catch (error) {
    soFar(Buffer.concat(chunks));
    throw error;
  }
}
