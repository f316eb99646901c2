import { Button, SegmentedControl } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useClient } from "urql";
import { AcknowledgeAlertDocument, type NightAlertsQuery } from "../api/generated";
import type { Pages } from "../api/pages";
import { formatInstant } from "../format/dates";
import { formatCount } from "../format/numbers";
import { words } from "../format/words";
import { Tag } from "../frame/Tag";
import { Waiting } from "../frame/Waiting";
import { newKey } from "../review/decide";
import { Panel } from "../review/Panel";
import { type PlainColumn, PlainTable, SaveButton } from "../table/PlainTable";
import classes from "./Night.module.css";

type Alert = NonNullable<NightAlertsQuery["alerts"]>["edges"][number]["node"];

const GRAVEST_FIRST: readonly string[] = ["CRITICAL", "ERROR", "WARNING"];

/** The gravest first, of the same gravity the newest. */
function inOrder(alerts: readonly Alert[]): Alert[] {
  const rank = (alert: Alert) => (GRAVEST_FIRST.indexOf(alert.severity) + GRAVEST_FIRST.length + 1) % (GRAVEST_FIRST.length + 1);
  return [...alerts].sort((a, b) => rank(a) - rank(b) || b.raisedAt.localeCompare(a.raisedAt));
}

interface Props {
  alerts: Pages<NightAlertsQuery, Alert>;
  /** Those that somebody has acknowledged already are shown too. */
  all: boolean;
  onAll: (all: boolean) => void;
}

/** What asks for a person, and who has acknowledged it. */
export function Alerts({ alerts, all, onAll }: Props) {
  const { acknowledge, busy } = useAcknowledge(alerts.reload);
  const rows = inOrder(alerts.rows);
  const columns: PlainColumn<Alert>[] = [
    { header: "Raised", value: (alert) => alert.raisedAt, cell: (alert) => <span className="number">{formatInstant(alert.raisedAt)}</span> },
    { header: "Severity", value: (alert) => words(alert.severity), cell: (alert) => <Tag tone={alert.severity === "WARNING" ? "warning" : "bad"}>{words(alert.severity)}</Tag> },
    { header: "Cause", value: (alert) => words(alert.cause), cell: (alert) => <b>{words(alert.cause)}</b> },
    { header: "About", value: (alert) => alert.scope },
    { header: "What happened", value: (alert) => alert.message, cell: (alert) => <div className={classes.wrap}>{alert.message}</div> },
    {
      header: "Acknowledged by",
      value: (alert) => alert.acknowledgedBy?.name ?? "",
      cell: (alert) =>
        alert.acknowledgedBy?.name ?? (
          <Button
            size="compact-sm"
            variant="default"
            loading={busy === alert.id}
            onClick={() => void acknowledge(alert.id)}
            aria-label={`Acknowledge ${words(alert.cause)} about ${alert.scope}`}
          >
            Acknowledge
          </Button>
        ),
    },
  ];
  return (
    <Panel
      id="alerts"
      title={`Alerts (${formatCount(alerts.data?.alerts?.totalCount ?? alerts.rows.length)})`}
      aside={
        <div style={{ display: "flex", gap: 8, alignItems: "center" }}>
          <SegmentedControl
            size="xs"
            aria-label="Which alerts"
            value={all ? "all" : "open"}
            onChange={(value) => onAll(value === "all")}
            data={[
              { value: "open", label: "To acknowledge" },
              { value: "all", label: "All" },
            ]}
          />
          <SaveButton name="alerts" what="the alerts" columns={columns} rows={rows} />
        </div>
      }
    >
      {alerts.loaded ? (
        <PlainTable
          caption="Alerts of the business date"
          columns={columns}
          rows={rows}
          keyOf={(alert) => alert.id}
          empty={all ? "No alert was raised." : "Every alert is acknowledged."}
          minWidth={960}
        />
      ) : (
        <Waiting label="Loading alerts" />
      )}
      {alerts.hasMore && (
        <Button size="xs" variant="default" mt="xs" onClick={alerts.loadMore}>
          Show more
        </Button>
      )}
    </Panel>
  );
}

function useAcknowledge(reload: () => void) {
  const client = useClient();
  const [busy, setBusy] = useState<string | null>(null);
  const acknowledge = async (alertId: string) => {
    setBusy(alertId);
    const input = { alertId, idempotencyKey: newKey() };
    const { data, error } = await client.mutation(AcknowledgeAlertDocument, { input }).toPromise();
    setBusy(null);
    const result = data?.acknowledgeAlert;
    if (result?.__typename !== "AlertAcknowledged") {
      const message = result && "message" in result ? result.message : (error?.message ?? "The API gave no answer.");
      notifications.show({ color: "red", title: "Not acknowledged", message, autoClose: 10_000 });
    }
    reload();
  };
  return { acknowledge, busy };
}
