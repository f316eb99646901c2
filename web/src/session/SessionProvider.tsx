import { createContext, lazy, type ReactNode, Suspense, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { Provider as UrqlProvider } from "urql";
import { type Api, connect } from "../api/client";
import { FullPageMessage } from "../frame/FullPageMessage";
import { Waiting } from "../frame/Waiting";
import { loadConfig, type PagesConfig } from "./config";
import { Session, SIGNED_IN_PATH } from "./session";

export interface Connected {
  config: PagesConfig;
  session: Session;
  api: Api;
}

const SessionEnded = lazy(() => import("./SessionEnded"));

const Context = createContext<Connected | null>(null);

/** The sign-in and the API, for everything inside. */
export function useConnected(): Connected {
  const connected = useContext(Context);
  if (connected === null) throw new Error("useConnected stands outside of SessionProvider");
  return connected;
}

type Outcome = { connected: Connected } | { problem: unknown } | null;

export function SessionProvider({ children }: { children: ReactNode }) {
  const [outcome, setOutcome] = useState<Outcome>(null);
  useEffect(() => {
    started ??= start();
    started
      .then((connected) => connected && setOutcome({ connected }))
      .catch((problem: unknown) => setOutcome({ problem }));
  }, []);
  if (outcome === null) return <Waiting label="Signing in" fullPage />;
  if ("problem" in outcome) return <CouldNotStart problem={outcome.problem} />;
  return (
    <Context value={outcome.connected}>
      <UrqlProvider value={outcome.connected.api.client}>
        {children}
        <Ended session={outcome.connected.session} />
      </UrqlProvider>
    </Context>
  );
}

function Ended({ session }: { session: Session }) {
  const state = useSyncExternalStore(session.subscribe, session.state);
  return (
    <Suspense fallback={null}>
      {state === "ended" && <SessionEnded session={session} />}
    </Suspense>
  );
}

/** Once per load of the page: a code is exchanged once. */
let started: Promise<Connected | null> | undefined;

/** null while the browser leaves for the sign-in form. */
async function start(): Promise<Connected | null> {
  const config = await loadConfig();
  if (location.origin !== new URL(config.publicUrl).origin) {
    // Tokens come back to the public address only: the same machine may have two names.
    location.replace(config.publicUrl + location.pathname + location.search);
    return null;
  }
  const session = new Session(config);
  if (location.pathname !== SIGNED_IN_PATH) {
    await session.signIn(location.pathname + location.search);
    return null;
  }
  const to = await session.comeBack();
  if (session.token === null) return null;
  history.replaceState(null, "", to);
  return { config, session, api: connect(session) };
}

function CouldNotStart({ problem }: { problem: unknown }) {
  const offline = problem instanceof TypeError;
  const reason = problem instanceof Error ? problem.message : String(problem);
  return (
    <FullPageMessage
      title={offline ? "trimtab does not answer" : "Signing in did not work"}
      what={
        offline
          ? "This page loaded, but the API behind it cannot be reached."
          : "The sign-in was not completed, or its answer was used before."
      }
      todo={
        offline
          ? "Check that trimtab is running (on one machine: trimtab up), then try again."
          : "Start again; if it keeps happening, tell your administrator the text below."
      }
      detail={reason}
      actions={[{ label: offline ? "Try again" : "Sign in again", run: () => location.replace("/") }]}
    />
  );
}
