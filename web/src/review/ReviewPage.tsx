import { Box, SimpleGrid, Stack } from "@mantine/core";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { ApiProblem, NothingThere } from "../frame/Problems";
import { StaleBanner } from "../frame/StaleBanner";
import { useTitle } from "../frame/title";
import { useKeys } from "../frame/useKeys";
import { Waiting } from "../frame/Waiting";
import { BeforeAfter } from "./BeforeAfter";
import { pathOf } from "./columns";
import type { Act } from "./decide";
import { useDeciding } from "./deciding";
import { Drift } from "./Drift";
import { MovedOn } from "./MovedOn";
import { Envelope, Who, Why } from "./panels";
import { ReviewHead } from "./ReviewHead";
import { Trades } from "./Trades";
import { useQueue } from "./useQueue";
import { useReview } from "./useReview";
import { WhyNots } from "./WhyNots";

export default function ReviewPage() {
  const { accountDayId = "" } = useParams();
  const [params] = useSearchParams();
  const navigate = useNavigate();
  const { rows, loadMore } = useQueue();
  const { ask, isOpen } = useDeciding();
  const { day, loading, error, changes, again } = useReview(accountDayId);
  useTitle(day ? `${day.accountId} · Review` : "Review");

  const at = rows.findIndex((row) => row.id === accountDayId);
  const previous = at > 0 ? rows[at - 1]?.id : undefined;
  const next = rows[at + 1]?.id;
  const queuePath = `/review${params.size > 0 ? `?${params.toString()}` : ""}`;
  const open = (id: string | undefined) => {
    if (isOpen) return;
    if (id) void navigate(pathOf(id, params), { replace: true });
    if (at >= rows.length - 10) loadMore();
  };
  const act = (wanted: Act) => {
    if (!day || isOpen) return;
    if (wanted === "refresh") {
      if ((day.permittedActs as readonly string[]).includes("REFRESH")) ask(wanted, [day]); // the page says when the account has moved on
      return;
    }
    // The next one opens by itself: a queue is worked off without going back to it.
    ask(wanted, [day], () => (next ? void navigate(pathOf(next, params), { replace: true }) : void navigate(queuePath)));
  };
  useKeys({
    j: () => open(next),
    k: () => open(previous),
    u: () => !isOpen && void navigate(queuePath),
    a: () => act("approve"),
    r: () => act("reject"),
    s: () => act("suspend"),
    c: () => act("clear"),
    n: () => act("refresh"),
  });

  if (error && !day) return <ApiProblem error={error} retry={again} />;
  if (!day) return loading ? <Waiting label="Loading the review" /> : <NothingThere thing="account-day" />;
  return (
    <Box p="md" maw={1680} mx="auto">
      <ReviewHead day={day} act={act} queuePath={queuePath} previous={previous} next={next} open={open} />
      <StaleBanner error={error} retry={again} />
      <MovedOn changes={changes} again={again} />
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, md: 2, xl: 4 }} spacing="md">
          <Why day={day} />
          <Who day={day} />
          <BeforeAfter day={day} />
          <Envelope day={day} />
        </SimpleGrid>
        <Drift classes={day.classWeights ?? []} />
        <Trades day={day} />
        <WhyNots day={day} />
      </Stack>
    </Box>
  );
}
