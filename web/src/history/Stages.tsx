import { List, Text } from "@mantine/core";
import type { DayShownFragment, PassShownFragment } from "../api/generated";
import { formatInstant } from "../format/dates";
import { formatQuantity, NOTHING } from "../format/numbers";
import { inLocale } from "../format/sentences";
import { laneName, longReason, words } from "../format/words";
import { Panel } from "../review/Panel";
import { type PlainColumn, PlainTable, SaveButton } from "../table/PlainTable";
import { Hash } from "./Hash";
import classes from "./HistoryPage.module.css";

type Pass = PassShownFragment;

const COLUMNS: readonly PlainColumn<Pass>[] = [
  { header: "Stage", value: (pass) => words(pass.stage), cell: (pass) => <b>{words(pass.stage)}</b>, width: 90 },
  { header: "When", value: (pass) => pass.at, cell: (pass) => <span className="number">{formatInstant(pass.at)}</span>, width: 196 },
  { header: "Then", value: then, width: 118 },
  { header: "What came of it", value: told, cell: (pass) => <Told pass={pass} /> },
  {
    header: "Read and made",
    value: (pass) => pass.hashes.map((each) => `${each.name}=${each.value}`).join(" "),
    cell: (pass) => <Hashes pass={pass} />,
    width: 196,
  },
  { header: "Build", value: (pass) => pass.build ?? "", cell: (pass) => (pass.build ? <Build version={pass.build} /> : NOTHING), width: 104 },
  {
    header: "Seconds",
    value: (pass) => (pass.seconds == null ? "" : String(pass.seconds)),
    cell: (pass) => (pass.seconds == null ? NOTHING : formatQuantity(pass.seconds.toFixed(3))),
    numeric: true,
    width: 84,
  },
  { header: "Record", value: (pass) => String(pass.recordSeq), cell: (pass) => `#${pass.recordSeq}`, numeric: true, width: 80 },
];

/** Each pass of a stage: when, what it read and made by hash, what came of it, and its entry in the record. */
export function Stages({ day }: { day: DayShownFragment }) {
  const name = `${day.accountId}-${day.businessDate}-stages`;
  return (
    <Panel id="stages" title="Stages" aside={<SaveButton name={name} what="the stages" columns={COLUMNS} rows={day.stages} />}>
      <PlainTable
        caption="Passes of the stages, in order"
        columns={COLUMNS}
        rows={day.stages}
        keyOf={(pass) => String(pass.recordSeq)}
        empty="No stage has been passed yet."
        minWidth={1000}
        fixed
      />
    </Panel>
  );
}

function then(pass: Pass): string {
  if (pass.terminalState && !pass.wentTo) return `Ended: ${words(pass.terminalState)}`;
  if (!pass.wentTo) return NOTHING;
  if (pass.wentTo === pass.stage) return "Waits";
  const lane = pass.stage === "FILTER" && pass.lane && pass.lane !== pass.wentTo ? ` (${laneName(pass.lane)})` : "";
  return `${words(pass.wentTo)}${lane}`;
}

function told(pass: Pass): string {
  const ended = pass.terminalState ? `${words(pass.terminalState)}${pass.code ? ` (${pass.code})` : ""}` : pass.code;
  const parts = [ended, pass.reason, ...pass.findings.map((each) => `${each.code} ${each.message}`), matchedText(pass)];
  return parts.filter(Boolean).join("; ");
}

function Told({ pass }: { pass: Pass }) {
  const code = pass.code && !pass.code.startsWith("FILTER_") ? words(pass.code) : null;
  const findings = pass.findings.filter((each) => !pass.reason.includes(each.message)); // what the reason says already
  return (
    <div className={classes.wrap}>
      {[code, pass.stage === "FILTER" ? inLocale(longReason(pass.reason)) : pass.reason].filter(Boolean).join(": ") || NOTHING}
      {matchedText(pass) && <Text size="xs">Matched: {matchedText(pass)}</Text>}
      {findings.length > 0 && (
        <List size="xs" mt={2}>
          {findings.map((each) => (
            <List.Item key={`${each.code}${each.subject}`}>
              <b>{words(each.code)}</b> ({each.subject}, {words(each.outcome).toLowerCase()}): {each.message}
            </List.Item>
          ))}
        </List>
      )}
      {pass.actor !== "trimtab" && <Text size="xs">by {pass.actor}</Text>}
    </div>
  );
}

/** The values that a filter matched, where its sentence does not tell of them. */
function matchedText(pass: Pass): string {
  if (pass.reason) return "";
  const matched = Object.entries((pass.matched ?? {}) as Record<string, unknown>);
  return matched.map(([field, value]) => `${words(field)} ${shown(value)}`).join(", ");
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => words(String(each))).join(", ");
  if (typeof value === "number") return formatQuantity(String(value));
  return String(value);
}

/** 1.2.0+3f2a91c04b7d: the commit may be long. */
function Build({ version }: { version: string }) {
  return (
    <Text size="xs" truncate title={version}>
      {version}
    </Text>
  );
}

function Hashes({ pass }: { pass: Pass }) {
  return (
    <div className={classes.hashes}>
      {pass.hashes.map((each) =>
        /^[0-9a-f]{64}$/.test(each.value) ? (
          <Hash key={each.name} name={each.name} hash={each.value} />
        ) : (
          <Text key={each.name} size="xs">
            {each.name} {each.value}
          </Text>
        ),
      )}
    </div>
  );
}
