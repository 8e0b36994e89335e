/**
 * The open streams of the page (server-sent events): each gets everything once, and then once a
 * second what has changed. That second's message is the heartbeat, too, even when it is empty.
 *
 * Guarantee: so many viewers and no more; the gateway is looked at once for all of them, and not at
 * all while there are none; one who does not read is left out until it has, so that nothing piles
 * up; a viewer that leaves leaves nothing behind.
 */
import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "../base/clock.js";
import { DASHBOARD } from "../catalog/dashboard-defaults.js";

export interface Feed {
  /** Everything, as JSON. */
  whole(): string;
  /** What has changed since this was asked last, as JSON. */
  update(): string;
}

export interface Viewers {
  readonly count: number;
  readonly full: boolean;
  /** Begins a stream on this answer, whose head is not written yet. */
  add(res: ServerResponse): void;
  /** Says to every viewer why it ends, and ends it. */
  end(reason: string): void;
}

interface Viewer {
  readonly res: ServerResponse;
  /** It has missed something, and gets everything anew. */
  behind: boolean;
}

export function viewers(clock: Clock, feed: Feed, viewersMax: number): Viewers {
  const all = new Set<Viewer>();
  let timer: Timer | null = null;

  const stop = (): void => {
    timer?.cancel();
    timer = null;
  };
  const tick = (): void => {
    timer?.refresh();
    const update = message("update", feed.update());
    // Those who are behind get the same whole, made for the first of them.
    let whole: string | null = null;
    for (const viewer of all) {
      if (viewer.res.writableLength > DASHBOARD.unreadBytesMax) viewer.behind = true;
      else if (!viewer.behind) viewer.res.write(update);
      else if (viewer.res.writableLength === 0) {
        whole ??= message("whole", feed.whole());
        viewer.behind = false;
        viewer.res.write(whole);
      }
    }
  };
  const start = (): void => {
    if (timer !== null) return;
    timer = clock.after(DASHBOARD.tickMs, tick);
    timer.unref();
  };

  return {
    get count() {
      return all.size;
    },
    get full() {
      return all.size >= viewersMax;
    },
    add(res) {
      const viewer: Viewer = { res, behind: false };
      res.writeHead(200, STREAM_FIELDS);
      res.write(message("whole", feed.whole()));
      all.add(viewer);
      start();
      const leave = (): void => {
        all.delete(viewer);
        if (all.size === 0) stop();
      };
      res.once("close", leave);
      res.on("error", leave);
    },
    end(reason) {
      stop();
      const last = message("end", JSON.stringify({ reason }));
      for (const { res } of all) res.end(last);
      all.clear();
    },
  };
}

const STREAM_FIELDS = [
  ...["content-type", "text/event-stream; charset=utf-8"],
  // `no-transform` keeps compressing middleware away, which would hold each message back; nginx
  // buffers answers unless a field forbids it.
  ...["cache-control", "no-store, no-transform", "x-accel-buffering", "no"],
  ...["x-content-type-options", "nosniff", "cross-origin-resource-policy", "same-origin"],
];

/** JSON has no line breaks of its own, so that one line of data holds it. */
function message(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}
