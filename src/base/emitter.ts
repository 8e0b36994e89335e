/**
 * Typed events, mirrored to node:diagnostics_channel as `good-gateway:<event>`. All events of a
 * gateway go through one of these. Without a listener it costs a look-up: ask `has` first, and
 * build the payload only when it says yes.
 * Guarantee: a listener that throws, or returns a promise that rejects, never reaches the emitting
 * code nor ends the process; it is reported as a warning, once for each listener. Listeners are
 * called in the order they came, and those who come or leave during an event take effect with the
 * next one.
 */
import { type Channel, channel } from "node:diagnostics_channel";
import { inspect } from "node:util";

/** What subscribers see of an emitter. */
export interface Listenable<Events extends object> {
  /** Subscribes; returns how to unsubscribe. */
  on<Name extends keyof Events & string>(name: Name, fn: Listener<Events[Name]>): () => void;
  /** Subscribes to the next event only; returns how to unsubscribe before it. */
  once<Name extends keyof Events & string>(name: Name, fn: Listener<Events[Name]>): () => void;
  /** Takes back the latest subscription of this function. */
  off<Name extends keyof Events & string>(name: Name, fn: Listener<Events[Name]>): void;
}

/** A set of named events and those who listen; `Events` maps each name to its payload. */
export interface Emitter<Events extends object> extends Listenable<Events> {
  /** Whether there is a listener, here or on the diagnostics channel. */
  has(name: keyof Events & string): boolean;
  /** Notifies all listeners. */
  emit<Name extends keyof Events & string>(name: Name, payload: Events[Name]): void;
}

/** A function that is notified of an event; what it returns is ignored. */
export type Listener<Payload> = (payload: Payload) => unknown;

/** The code of the warning that is issued for a listener that threw. */
export const LISTENER_WARNING = "GOOD_GATEWAY_LISTENER";

const CHANNEL_PREFIX = "good-gateway:";

interface Subscription {
  readonly fn: Listener<never>;
  readonly once: boolean;
  gone: boolean;
}

interface Topic {
  readonly channel: Channel;
  /** Replaced and never changed, so that an event walks over one state of it. */
  subscriptions: readonly Subscription[];
}

/** A new emitter without listeners. */
export function emitter<Events extends object>(): Emitter<Events> {
  const topics = new Map<string, Topic>();
  const reported = new WeakSet<Listener<never>>();

  const topicOf = (name: string): Topic => {
    let topic = topics.get(name);
    if (topic === undefined) {
      topic = { channel: channel(CHANNEL_PREFIX + name), subscriptions: [] };
      topics.set(name, topic);
    }
    return topic;
  };
  const report = (name: string, fn: Listener<never>, error: unknown): void => {
    if (reported.has(fn)) return;
    reported.add(fn);
    warnOfListener(name, error);
  };
  // No function is made here for what nearly never happens: every call emits several events.
  const call = (name: string, fn: Listener<never>, payload: never): void => {
    try {
      const result = fn(payload);
      // An async listener that rejects would otherwise end the process as an unhandled rejection.
      if (result instanceof Promise) watch(name, fn, result);
    } catch (error) {
      report(name, fn, error);
    }
  };
  const watch = (name: string, fn: Listener<never>, result: Promise<unknown>): void => {
    result.catch((error: unknown) => report(name, fn, error));
  };
  const subscribe = (name: string, fn: Listener<never>, once: boolean): (() => void) => {
    const topic = topicOf(name);
    const subscription: Subscription = { fn, once, gone: false };
    topic.subscriptions = [...topic.subscriptions, subscription];
    return () => unsubscribe(topic, subscription);
  };

  return {
    on: (name, fn) => subscribe(name, fn, false),
    once: (name, fn) => subscribe(name, fn, true),
    off(name, fn) {
      const topic = topicOf(name);
      const latest = topic.subscriptions.findLast((one) => one.fn === fn);
      if (latest !== undefined) unsubscribe(topic, latest);
    },
    has(name) {
      const topic = topicOf(name);
      return topic.subscriptions.length > 0 || topic.channel.hasSubscribers;
    },
    emit(name, payload) {
      const topic = topicOf(name);
      for (const subscription of topic.subscriptions) {
        // Only a one-time listener can be gone here and not want it: an inner event was faster.
        if (subscription.once && subscription.gone) continue;
        if (subscription.once) unsubscribe(topic, subscription);
        call(name, subscription.fn, payload as never);
      }
      if (topic.channel.hasSubscribers) topic.channel.publish(payload);
    },
  };
}

function unsubscribe(topic: Topic, subscription: Subscription): void {
  if (subscription.gone) return;
  subscription.gone = true;
  topic.subscriptions = topic.subscriptions.filter((one) => one !== subscription);
}

/** Reports that a listener of this event threw. */
export function warnOfListener(name: string, error: unknown): void {
  process.emitWarning(`A listener for "${name}" threw; further errors of it are not reported.`, {
    type: "GoodGatewayWarning",
    code: LISTENER_WARNING,
    detail: inspect(error),
  });
}
