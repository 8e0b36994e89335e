/** An answer whose head cannot be written: another is given, and no more is read of it. */
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { UpstreamResponse } from "../../../src/core/outcome.js";
import type { BodySink, ResponseBody } from "../../../src/core/response-body.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";
import { passedAnswer } from "../../../src/wire/passed-answer.js";
import { writeResponse } from "../../../src/wire/write-response.js";

function answering() {
  const clock = virtualClock();
  const req = Object.assign(new IncomingMessage(new Socket()), {
    method: "GET",
    httpVersion: "1.1",
  });
  const res = new ServerResponse(req);
  // As a session store may do that fails when the head is about to go out.
  res.writeHead = () => {
    throw new Error("no session");
  };
  const sinks: BodySink[] = [];
  const told: string[] = [];
  const body = {
    contentLength: null,
    brokenBy: null,
    takeWhole: () => null,
    pipeTo: (sink: BodySink) => void sinks.push(sink),
    resume: () => {},
  } as unknown as ResponseBody;
  const response = {
    status: 200,
    statusText: "OK",
    rawHeaders: ["x-a", "1"],
    headers: {},
    body,
    discard: async () => void told.push("discarded"),
  } as unknown as UpstreamResponse<ResponseBody>;
  writeResponse(res, passedAnswer(req, response, [], false), {
    clock,
    brokenUnsent: ({ code }) => void told.push(code),
    beforeWriting: () => {},
  });
  return { clock, res, sink: sinks[0] as BodySink, told };
}

describe("an answer whose head cannot be written", () => {
  it("is given up with its first part, once, and takes no more", () => {
    const { sink, told, res } = answering();
    expect(sink.data(Buffer.from("a"))).toBe(true);
    expect(sink.data(Buffer.from("b"))).toBe(true);
    sink.broken("http_response_incomplete");
    expect(told).toEqual(["discarded", "http_protocol_error"]);
    expect(res.headersSent).toBe(false);
  });

  it("is given up when its head was to go out alone", async () => {
    const { clock, sink, told } = answering();
    await clock.runTurns(1);
    expect(told).toEqual(["discarded", "http_protocol_error"]);
    sink.end([]);
    expect(told).toHaveLength(2);
    expect(clock.pending()).toBe(0);
  });
});

describe("an answer that breaks before its head is out", () => {
  it("becomes another answer, and its head never follows", async () => {
    const { clock, sink, told } = answering();
    sink.broken("connection_reset_in_body");
    await clock.runTurns(2);
    expect(told).toEqual(["connection_reset_in_body"]);
  });
});
