import { Alert, Button, Group, List, Modal, Progress, Select, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { type FormEvent, useRef, useState } from "react";
import { useClient } from "urql";
import type { ReasonKind } from "../api/generated";
import { formatCount, formatMoney } from "../format/numbers";
import { useViewer } from "../frame/viewer";
import { type Act, decide, newKey, type Outcome, type Seen, type Wish } from "./decide";
import { useDraft } from "./draft";
import { Outcomes } from "./Outcomes";
import { tellSuspended } from "./undo";

const TITLES: Record<Act, string> = { approve: "Approve", reject: "Reject", suspend: "Suspend", clear: "Clear", refresh: "Analyse again" };
const DONE: Record<Act, string> = { approve: "Approved", reject: "Rejected", suspend: "Suspended", clear: "Cleared", refresh: "A new analysis is asked for:" };
const ACTS: Record<Act, string> = { approve: "APPROVE", reject: "REJECT", suspend: "SUSPEND", clear: "CLEAR", refresh: "REFRESH" };
const COLOURS: Record<Act, string> = { approve: "blue", reject: "red", suspend: "orange", clear: "blue", refresh: "blue" };
const EXPLAINED: Record<Act, string> = {
  approve: "The trades go to the order desk as they were shown. An approval cannot be taken back.",
  reject: "The account trades nothing today. A rejection cannot be taken back.",
  suspend: "Nothing of the account is approved or sent to the broker until somebody lifts the suspension. After the day's cut-off it ends the account's day.",
  clear: "The compliance review ends; the remaining filters choose the lane.",
  refresh: "The account is analysed anew on the newest inputs. What is proposed now can no longer be approved.",
};
/** Decisions on their way at a time. */
const AT_ONCE = 4;

interface Props {
  act: Act;
  days: Seen[];
  onClose: () => void;
  /** Called with every account-day that was sent, and whether all of the decisions count. */
  onDecided: (ids: string[], all: boolean) => void;
}

/** Says what is about to happen, asks for the reason, decides, and shows every decision that did not count. */
export default function DecisionDialog({ act, days, onClose, onDecided }: Props) {
  const client = useClient();
  const { roles } = useViewer();
  const [reason, setReason, forget] = useDraft(`${act}:${days.length === 1 ? days[0]?.id : "bulk"}`);
  const [kind, setKind] = useState<ReasonKind>(roles.includes("compliance") ? "COMPLIANCE" : "ADVISOR");
  const [done, setDone] = useState(0);
  const [busy, setBusy] = useState(false);
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const keys = useRef(new Map<string, string>());
  const able = days.filter((day) => (day.permittedActs as readonly string[]).includes(ACTS[act]));
  const left = days.length - able.length;
  const consents = act === "approve" && able.some((day) => day.account?.discretionary === false);

  const run = async (wanted: Seen[]) => {
    setBusy(true);
    setDone(0);
    setOutcomes([]);
    const wish: Wish = { act, reason: reason.trim(), consent: consents ? reason.trim() : "", kind: wishKind(roles, kind) };
    const found: Outcome[] = [];
    const waiting = [...wanted];
    const worker = async () => {
      for (let day = waiting.shift(); day !== undefined; day = waiting.shift()) {
        const key = keys.current.get(day.id) ?? newKey();
        keys.current.set(day.id, key);
        const outcome = await decide(client, day, wish, key);
        if (outcome.what === "refused") keys.current.delete(day.id); // decided: another try is another act
        found.push(outcome);
        setDone(found.length);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, wanted.length) }, worker));
    setBusy(false);
    const accepted = found.filter((each) => each.what === "accepted");
    onDecided(
      found.map((each) => each.seen.id),
      accepted.length === found.length,
    );
    if (accepted.length > 0) tell(act, accepted);
    if (accepted.length === found.length) {
      forget();
      onClose();
    } else setOutcomes(found);
  };

  const tell = (decided: Act, accepted: (Outcome & { what: "accepted" })[]) => {
    const [first] = accepted;
    if (first === undefined) return;
    if (decided === "suspend") {
      tellSuspended(client, accepted, roles.includes("compliance") || roles.includes("data_manager"));
      return;
    }
    const who = accepted.length === 1 ? first.seen.accountId : `${formatCount(accepted.length)} accounts`;
    const further = accepted.filter((each) => each.furtherApprovals > 0).length;
    notifications.show({
      title: `${DONE[decided]} ${who}`,
      message: further > 0 ? "Above the firm's limit: a second person has to approve as well." : "The day goes on by itself.",
      autoClose: 6000,
    });
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(able);
  };
  const unanswered = outcomes.filter((each) => each.what === "unanswered").map((each) => each.seen);
  const needsText = consents || (act !== "approve" && act !== "refresh");
  return (
    <Modal
      opened
      onClose={() => !busy && onClose()}
      title={`${TITLES[act]} ${days.length === 1 ? days[0]?.accountId : `${formatCount(days.length)} accounts`}`}
      size="lg"
    >
      {outcomes.length > 0 ? (
        <Stack>
          <Outcomes outcomes={outcomes} act={act} />
          <Group justify="flex-end">
            {unanswered.length > 0 && (
              <Button loading={busy} onClick={() => void run(unanswered)}>
                Try again: nothing is decided twice
              </Button>
            )}
            <Button variant="default" onClick={onClose} data-autofocus>
              Close
            </Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm">{EXPLAINED[act]}</Text>
            {days.length > 1 && able.length > 0 && <Named days={able} />}
            {able.length > 0 && act === "approve" && <Sum days={able} />}
            {left > 0 && <NotAble act={act} days={days} able={able.length} />}
            {act === "suspend" && roles.includes("compliance") && (
              <Select
                label="Whose reason it is"
                description="It decides who may lift the suspension."
                data={[
                  { value: "COMPLIANCE", label: "Compliance" },
                  { value: "ADVISOR", label: "The advisor's" },
                ]}
                value={kind}
                allowDeselect={false}
                onChange={(value) => value && setKind(value as ReasonKind)}
              />
            )}
            {needsText && able.length > 0 && (
              <Textarea
                label={consents ? "Evidence of the client's consent" : "Reason"}
                description="It stands in the account's record."
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
                }}
                required
                autosize
                minRows={2}
                maxLength={1000}
                data-autofocus
              />
            )}
            {busy && <Progress value={(100 * done) / Math.max(1, able.length)} aria-label="Decided" />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose} disabled={busy}>
                Cancel
              </Button>
              <Button
                type="submit"
                color={COLOURS[act]}
                loading={busy}
                disabled={able.length === 0 || (needsText && reason.trim() === "")}
                data-autofocus={needsText ? undefined : true}
              >
                {TITLES[act]}
                {days.length > 1 ? ` ${formatCount(able.length)}` : ""}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

/** Only compliance and data managers give a kind of their own; everybody else suspends for the advisor. */
function wishKind(roles: readonly string[], chosen: ReasonKind): ReasonKind | null {
  if (roles.includes("compliance")) return chosen;
  return roles.includes("data_manager") ? "DATA" : null;
}

const MOST_NAMED = 12;

/** Which accounts a decision about many is about. */
function Named({ days }: { days: Seen[] }) {
  const more = days.length - MOST_NAMED;
  const named = days.slice(0, MOST_NAMED).map((day) => day.accountId);
  return (
    <Text size="sm" fw={600}>
      {named.join(", ")}
      {more > 0 && ` and ${formatCount(more)} more`}
    </Text>
  );
}

function Sum({ days }: { days: Seen[] }) {
  const trades = days.reduce((sum, day) => sum + (day.proposal?.tradeCount ?? 0), 0);
  const cents = days.reduce((sum, day) => sum + Math.round(Number(day.proposal?.tradedValue ?? 0) * 100), 0);
  const second = days.filter((day) => (day.approvalTerms?.approvalsNeeded ?? 1) > (day.approvalTerms?.approvalsGiven ?? 0) + 1);
  return (
    <List size="sm">
      <List.Item>
        {formatCount(trades)} trades worth {formatMoney((cents / 100).toFixed(2))} are approved.
      </List.Item>
      {second.length > 0 && (
        <List.Item>
          {days.length === 1 ? "It is" : `${formatCount(second.length)} are`} above the firm's limit: a second person has to approve as
          well.
        </List.Item>
      )}
    </List>
  );
}

function NotAble({ act, days, able }: { act: Act; days: Seen[]; able: number }) {
  const text =
    able === 0
      ? `You may not ${act} ${days.length === 1 ? "this account" : "any of these accounts"} as it stands.`
      : `${formatCount(days.length - able)} of them are left out: you may not ${act} them as they stand.`;
  const consent = act === "approve" && days.some((day) => day.account?.discretionary === false);
  return (
    <Alert color="orange">
      {text}
      {consent && " Accounts without discretion are approved by their advisor, with the client's consent."}
    </Alert>
  );
}
