import { Button, Text } from "@mantine/core";
import { useState } from "react";
import { useClient } from "urql";
import { VerifyRecordsDocument } from "../api/generated";
import { formatCount } from "../format/numbers";

/** Computes the account's whole hash chain anew when it is asked to, and says what came of it. */
export function Verify({ account }: { account: string }) {
  const client = useClient();
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState<{ text: string; isBad: boolean } | null>(null);
  const verify = async () => {
    setBusy(true);
    const { data, error } = await client.query(VerifyRecordsDocument, { account }, { requestPolicy: "network-only" }).toPromise();
    const found = data?.verifyRecords;
    setBusy(false);
    if (!found) setTold({ text: error?.message ?? "The record cannot be verified.", isBad: true });
    else if (found.intact) setTold({ text: `Chain intact: ${formatCount(found.verified)} entries verified`, isBad: false });
    else setTold({ text: `Broken at entry ${found.fault?.seq}: ${found.fault?.reason}`, isBad: true });
  };
  return (
    <>
      <Button size="compact-sm" variant="default" loading={busy} onClick={() => void verify()}>
        Verify the record
      </Button>
      <Text size="sm" role="status" fw={told?.isBad ? 700 : 400}>
        {told && `${told.isBad ? "✗" : "✓"} ${told.text}`}
      </Text>
    </>
  );
}
