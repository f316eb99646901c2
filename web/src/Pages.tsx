import { lazy, Suspense } from "react";
import { Navigate, Route, Routes } from "react-router";
import { Frame } from "./frame/Frame";
import { FullPageMessage } from "./frame/FullPageMessage";
import { landingOf } from "./frame/places";
import { useViewer } from "./frame/viewer";
import { Waiting } from "./frame/Waiting";

const Desk = lazy(() => import("./review/Desk"));
const QueuePage = lazy(() => import("./review/QueuePage"));
const ReviewPage = lazy(() => import("./review/ReviewPage"));
const AccountsPage = lazy(() => import("./history/AccountsPage"));
const HistoryPage = lazy(() => import("./history/HistoryPage"));
const NightPage = lazy(() => import("./night/NightPage"));

/** Which address shows what. Each page is a chunk of its own. */
export function Pages() {
  return (
    <Suspense fallback={<Waiting label="Loading" fullPage />}>
      <Routes>
        <Route element={<Frame />}>
          <Route index element={<Landing />} />
          <Route path="review" element={<Desk />}>
            <Route index element={<QueuePage />} />
            <Route path=":accountDayId" element={<ReviewPage />} />
          </Route>
          <Route path="accounts" element={<AccountsPage />} />
          <Route path="accounts/:accountId" element={<HistoryPage />} />
          <Route path="night" element={<NightPage />} />
          <Route path="*" element={<NoSuchPage />} />
        </Route>
      </Routes>
    </Suspense>
  );
}

function Landing() {
  return <Navigate to={landingOf(useViewer().roles)} replace />;
}

function NoSuchPage() {
  return (
    <FullPageMessage
      title="There is no such page"
      what="The address is none of trimtab's pages."
      todo="Check the address, or choose a page above."
    />
  );
}
