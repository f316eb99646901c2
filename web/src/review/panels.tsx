import { Alert, Code, List, Stack, Text } from "@mantine/core";
import { formatDate, formatInstant, formatMoment } from "../format/dates";
import { formatBps, formatCount, formatMoney, formatPercent, formatRatio } from "../format/numbers";
import { inLocale } from "../format/sentences";
import { capitalized, longReason, shortReason, words } from "../format/words";
import { Facts } from "./Facts";
import { Panel } from "./Panel";
import type { ReviewDay } from "./useReview";

/** Why it is here: which filter, which values, what else stands in the way. */
export function Why({ day }: { day: ReviewDay }) {
  const matched = Object.entries((day.filtering?.matched ?? {}) as Record<string, unknown>);
  return (
    <Panel title="Why it is here">
      <Stack gap="xs">
        <Text size="sm">{inLocale(longReason(day.filtering?.reason ?? day.waitingReason ?? "It waits for a decision."))}</Text>
        <Facts
          facts={[
            ["Filter", day.filtering?.filterKey ? capitalized(day.filtering.filterKey) : "None: a person looks"],
            ...matched.map(([field, value]): [string, string] => [fieldName(field), matchedValue(field, value)]),
          ]}
        />
        {day.proposal?.note && <Alert color="orange">{inLocale(day.proposal.note)}</Alert>}
        {day.openSuspensions.map((each) => (
          <Alert key={each.id} color="red" title={`Suspended since ${formatDate(each.since)}`}>
            {words(each.code)}: {each.reason}
          </Alert>
        ))}
      </Stack>
    </Panel>
  );
}

const FIELDS: Record<string, string> = {
  account_value: "Account value",
  turnover: "Turnover",
  tax_bps: "Tax",
  is_mandate: "Required by a mandate",
  flags: "Flags",
};

const fieldName = (field: string): string => FIELDS[field] ?? words(field);

function matchedValue(field: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => words(String(each))).join(", ");
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value !== "number") return words(String(value));
  const text = String(value);
  if (field === "account_value" || field === "cash_need" || field === "traded_value" || field === "tax") return formatMoney(text);
  if (field.endsWith("_bps")) return formatBps(text);
  if (["turnover", "max_drift", "active_share", "tracking_error"].includes(field)) return formatPercent(text);
  return field === "order_count" ? formatCount(value) : formatRatio(text);
}

/** Whose account it is, and its settings in English. */
export function Who({ day }: { day: ReviewDay }) {
  const { account } = day;
  return (
    <Panel title="Account">
      <Facts
        facts={[
          ["Household", account?.householdId],
          ["Advisor", account?.advisorId],
          ["Programme", account?.programme && words(account.programme)],
          ["Registration", account?.registration && words(account.registration)],
          ["Model", account?.modelId && words(account.modelId)],
        ]}
      />
      <List size="sm" mt="xs" spacing={2}>
        {(day.snapshot?.settings.sentences ?? []).map((sentence) => (
          <List.Item key={sentence}>{inLocale(sentence)}</List.Item>
        ))}
      </List>
    </Panel>
  );
}

/** What an approval given now would cover, and what has been decided so far. */
export function Envelope({ day }: { day: ReviewDay }) {
  const { approvalTerms: terms } = day;
  return (
    <Panel title="What an approval covers">
      <Stack gap="xs">
        {terms ? <Terms day={day} terms={terms} /> : <Text size="sm">It waits for no decision.</Text>}
        {day.decisions.map((each) => (
          <Text size="sm" key={each.id}>
            <b>{each.actor.name}</b> {words(each.kind).toLowerCase()}
            {each.status === "ACCEPTED" ? "" : ` (refused: ${words(each.refusal ?? "")})`} at {formatInstant(each.decidedAt)}
            {each.reason && `: ${shortReason(each.reason)}`}
          </Text>
        ))}
      </Stack>
    </Panel>
  );
}

function Terms({ day, terms }: { day: ReviewDay; terms: NonNullable<ReviewDay["approvalTerms"]> }) {
  const given = terms.approvedBy.map((each) => each.name).join(", ");
  return (
    <>
      <Facts
        facts={[
          ["Trades", `${formatCount(day.proposal?.tradeCount ?? 0)} worth ${formatMoney(terms.tradedValue)}`],
          ["Proposal", <Hash key="p" hash={terms.proposalHash} before={`version ${day.proposal?.version ?? 1}, `} />],
          ["Snapshot", terms.snapshotHash && <Hash key="s" hash={terms.snapshotHash} before={day.snapshot ? `${formatDate(day.snapshot.asOf)}, ` : ""} />],
          ["Prices", `within ${formatPercent(terms.priceMoveLimit)} of each`],
          ["Until", formatMoment(terms.expiresAt)],
          ["Firm's limit", formatMoney(terms.approvalLimit)],
          ["Approvals", `${formatCount(terms.approvalsGiven)} of ${formatCount(terms.approvalsNeeded)}${given && ` (${given})`}`],
        ]}
      />
      {terms.needsConsent && <Text size="sm">Its advisor approves, with the client's consent.</Text>}
      {terms.needsClearance && <Text size="sm">Compliance has to end its review first.</Text>}
    </>
  );
}

function Hash({ hash, before }: { hash: string; before: string }) {
  return (
    <span title={hash}>
      {before}
      <Code>{hash.slice(0, 10)}</Code>
    </span>
  );
}
