import { lazy, Suspense } from "react";

const Shown = lazy(() => import("./ShownToasts"));

/** Where short messages appear. Not part of the first load: nothing is said before somebody has acted. */
export function Toasts() {
  return (
    <Suspense fallback={null}>
      <Shown />
    </Suspense>
  );
}
