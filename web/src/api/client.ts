import { type AnyVariables, Client, cacheExchange, fetchExchange, mapExchange, type OperationResult, subscriptionExchange } from "urql";
import { createClient as createSocket } from "graphql-ws";
import type { Session } from "../session/session";

export interface Api {
  client: Client;
  /** Live or not: what a page says about its figures. */
  live: LiveState;
}

/** Whether the websocket stands. Pages show it: figures that are not live say so. */
export class LiveState {
  private up = false;
  private readonly listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  isUp = (): boolean => this.up;

  set(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    for (const listener of this.listeners) listener();
  }
}

const REFUSED = 4403;

/** The API on this host, with the session's token on every request and on the websocket. */
export function connect(session: Session): Api {
  const live = new LiveState();
  const socket = createSocket({
    url: `${location.origin.replace(/^http/, "ws")}/graphql`,
    lazy: true,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => !session.isEnded,
    connectionParams: () => ({ authorization: `Bearer ${session.token ?? ""}` }),
    on: {
      connected: () => live.set(true),
      closed: (event) => {
        live.set(false);
        // The token of the socket has ended; with a newer one at hand it comes back by itself.
        if (isClose(event) && event.code === REFUSED && session.token === null) session.end();
      },
    },
  });
  const client = new Client({
    url: "/graphql",
    preferGetMethod: false,
    requestPolicy: "cache-and-network",
    fetchOptions: () => ({ headers: { authorization: `Bearer ${session.token ?? ""}` } }),
    exchanges: [
      mapExchange({ onResult: (result) => noticeEndedSession(result, session) }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query: request.query ?? "", variables: request.variables as Record<string, unknown> }, sink),
          }),
        }),
      }),
    ],
  });
  return { client, live };
}

function noticeEndedSession(result: OperationResult<unknown, AnyVariables>, session: Session): void {
  const answer = result.error?.response as Response | undefined;
  if (answer?.status === 401) session.end();
}

function isClose(event: unknown): event is CloseEvent {
  return typeof event === "object" && event !== null && "code" in event;
}
