/**
 * The phases that an exchange reached, and when. Written by the transport, read by classification,
 * by the timeouts and by the record. Times are monotonic milliseconds, -1 where a phase was
 * skipped.
 *
 * Failures are distinguished by the order of these facts, not by the code of an error:
 * a request that was never written may always be sent again.
 */
import type { Phase } from "../catalog/failures.js";

export class Timeline {
  phase: Phase = "admit";
  readonly startedAt: number;
  connectAt = -1;
  secureAt = -1;
  sendAt = -1;
  waitAt = -1;
  headAt = -1;
  endAt = -1;
  /** The connection is made, and its peer has not begun HTTP/2 on it yet. */
  awaitsPreface = false;
  /** The connection had served an exchange before. */
  reused = false;
  /** When it was opened; -1 while there is none, or where that is not known. */
  openedAt = -1;
  /** When it came to rest before this exchange took it; -1 for a new one, or where not known. */
  restedAt = -1;
  /** Bytes of the request may have left this process. */
  written = false;
  /** Bytes of the answer that arrived before its head was complete. */
  headBytes = 0;
  /** Bytes of the answer's body, transfer coding removed. */
  receivedBytes = 0;
  /** The sender waits for the client's body rather than for the upstream's socket. */
  waitsForClient = false;
  /** The receiver waits for the client to read, not for the upstream to send. */
  clientBlocked = false;
  /** The protocol was switched: both sides may be silent for long, until one of them has ended. */
  tunnel: "none" | "open" | "closing" = "none";
  /** Its kept connection was given up, before an answer would have been late. */
  doubted = false;
  /** How late our own timer fired: the time our event loop did not serve its sockets. */
  stalledMs = 0;
  /** It ended with a connection whose end another exchange on it has counted for. */
  isCounted = false;

  constructor(now: number) {
    this.startedAt = now;
  }

  /** Takes over all that another one says, but for when it began. */
  follow(other: Timeline): void {
    this.phase = other.phase;
    this.connectAt = other.connectAt;
    this.secureAt = other.secureAt;
    this.sendAt = other.sendAt;
    this.waitAt = other.waitAt;
    this.headAt = other.headAt;
    this.endAt = other.endAt;
    this.awaitsPreface = other.awaitsPreface;
    this.reused = other.reused;
    this.openedAt = other.openedAt;
    this.restedAt = other.restedAt;
    this.written = other.written;
    this.headBytes = other.headBytes;
    this.receivedBytes = other.receivedBytes;
    this.waitsForClient = other.waitsForClient;
    this.clientBlocked = other.clientBlocked;
    this.tunnel = other.tunnel;
    this.doubted = other.doubted;
    this.stalledMs = other.stalledMs;
    this.isCounted = other.isCounted;
  }

  /** Notes that a phase began. Phases only go forward. */
  enter(phase: Phase, now: number): void {
    this.phase = phase;
    switch (phase) {
      case "connect":
        this.connectAt = now;
        break;
      case "secure":
        this.secureAt = now;
        break;
      case "send":
        this.sendAt = now;
        break;
      case "wait":
        this.waitAt = now;
        break;
      case "receive":
        this.headAt = now;
        break;
      default:
        break;
    }
  }
}
