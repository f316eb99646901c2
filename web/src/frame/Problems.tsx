import type { CombinedError } from "urql";
import { useNavigate } from "react-router";
import { problemOf, traceOf } from "../api/problem";
import { FullPageMessage } from "./FullPageMessage";

/** A page in place of the one that could not be had: what happened, and what to do. */
export function ApiProblem({ error, retry }: { error: CombinedError; retry: () => void }) {
  const navigate = useNavigate();
  const home = { label: "Go to my page", run: () => void navigate("/") };
  const again = { label: "Try again", run: retry };
  const trace = traceOf(error);
  const detail = trace === null ? null : `Trace ${trace}`;
  switch (problemOf(error)) {
    case "session":
      return null; // the dialog over the page asks to sign in again
    case "forbidden":
      return (
        <FullPageMessage
          title="This page is not for your role"
          what="You are signed in, but what this page shows is refused to your role."
          todo="Choose another page above. If you need this one, ask an administrator for the role."
          actions={[home]}
        />
      );
    case "down":
      return (
        <FullPageMessage
          title="trimtab does not answer"
          what="The API cannot be reached, or broke off its answer."
          todo="Wait a moment and try again. If it stays away, tell whoever runs trimtab."
          detail={detail}
          actions={[again]}
        />
      );
    case "too-slow":
      return (
        <FullPageMessage
          title="That took too long"
          what="The API stopped a question that took more than its limit."
          todo="Narrow the filters, or try again in a moment."
          detail={detail}
          actions={[again]}
        />
      );
    case "bad-input":
      return (
        <FullPageMessage
          title="This link is broken"
          what={error.graphQLErrors[0]?.message ?? "The address names something that cannot be read."}
          todo="Check the address, or start from the page's list."
          actions={[home]}
        />
      );
    default:
      return (
        <FullPageMessage
          title="Something went wrong"
          what="The API met an error that it does not explain here; it is in its log."
          todo="Try again. If it happens again, give whoever runs trimtab the line below."
          detail={detail}
          actions={[again]}
        />
      );
  }
}

/** The address names nothing that this person may see. */
export function NothingThere({ thing }: { thing: string }) {
  const navigate = useNavigate();
  const article = /^[aeiou]/.test(thing) ? "an" : "a";
  return (
    <FullPageMessage
      title={`There is no such ${thing}`}
      what={`The address names ${article} ${thing} that does not exist, or that you may not see.`}
      todo="Check the address, or start from the page's list."
      actions={[{ label: "Go to my page", run: () => void navigate("/") }]}
    />
  );
}
