import { useDisclosure } from "@mantine/hooks";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { Outlet, useSearchParams } from "react-router";
import { useKeys } from "../frame/useKeys";
import type { Act, Seen } from "./decide";
import { DecideContext } from "./deciding";
import { QueueContext, useLiveQueue } from "./useQueue";
import { readView } from "./view";

const DecisionDialog = lazy(() => import("./DecisionDialog"));
const ShortcutHelp = lazy(() => import("./ShortcutHelp"));

/** The review desk: the queue, which its two pages share, and the one dialog in which decisions are made. */
export default function Desk() {
  const [params] = useSearchParams();
  const queue = useLiveQueue(readView(params));
  const [asked, setAsked] = useState<{ act: Act; days: Seen[]; after?: () => void } | null>(null);
  const [help, { toggle, close }] = useDisclosure(false);
  useKeys({ "?": toggle, "shift+?": toggle });
  const ask = useCallback((act: Act, days: Seen[], after?: () => void) => {
    if (days.length > 0) setAsked({ act, days, after });
  }, []);
  const deciding = useMemo(() => ({ ask, isOpen: asked !== null }), [ask, asked]);
  return (
    <QueueContext value={queue}>
      <DecideContext value={deciding}>
        <Outlet />
        <Suspense fallback={null}>
        {asked && (
          <DecisionDialog
            act={asked.act}
            days={asked.days}
            onClose={() => setAsked(null)}
            onDecided={(ids, all) => {
              queue.refresh(ids);
              if (all) asked.after?.();
            }}
          />
        )}
        {help && <ShortcutHelp onClose={close} />}
        </Suspense>
      </DecideContext>
    </QueueContext>
  );
}
