import type { Client } from "urql";
import {
  ApproveDocument,
  ClearComplianceDocument,
  LiftSuspensionDocument,
  type QueueRowFragment,
  type ReasonKind,
  RefreshAnalysisDocument,
  RejectDocument,
  SuspendDocument,
} from "../api/generated";
import { changeInLocale } from "../format/sentences";

export type Act = "approve" | "reject" | "suspend" | "clear" | "refresh";

/** An account-day as the person saw it when they decided. */
export type Seen = Pick<QueueRowFragment, "id" | "accountId" | "version" | "proposalHash" | "permittedActs" | "account" | "approvalTerms"> & {
  proposal?: { tradeCount: number; tradedValue: string } | null;
};

export interface Wish {
  act: Act;
  reason: string;
  consent: string;
  kind: ReasonKind | null;
}

/** What came of one decision. "unanswered": it may have counted; the same key makes another try safe. */
export type Outcome =
  | { what: "accepted"; seen: Seen; furtherApprovals: number; suspensionId?: string }
  | { what: "refused"; seen: Seen; code: string; message: string; changes: string[] }
  | { what: "unanswered"; seen: Seen; message: string };

export async function decide(client: Client, seen: Seen, wish: Wish, key: string): Promise<Outcome> {
  if (wish.act === "suspend") return suspend(client, seen, wish, key);
  const { result, error } = await send(client, seen, wish, key);
  if (error || !result) return { what: "unanswered", seen, message: error?.message ?? "The API gave no answer." };
  if (result.__typename === "DecisionAccepted") {
    return { what: "accepted", seen, furtherApprovals: result.furtherApprovals };
  }
  const now = result.__typename === "DecisionRefused" ? result.accountDay : null;
  const changes = now?.changesSince.map(changeInLocale) ?? [];
  return { what: "refused", seen, code: result.code, message: result.message, changes };
}

async function send(client: Client, seen: Seen, wish: Wish, key: string) {
  const hash = seen.proposalHash ?? "";
  const input = { accountDayId: seen.id, proposalHash: hash, version: seen.version, idempotencyKey: key };
  const shown = { seenHash: hash, seenVersion: seen.version };
  if (wish.act === "approve") {
    const variables = { input: { ...input, clientConsent: wish.consent }, ...shown };
    const { data, error } = await client.mutation(ApproveDocument, variables).toPromise();
    return { result: data?.approve, error };
  }
  if (wish.act === "refresh") {
    const variables = { input: { accountDayId: seen.id, idempotencyKey: key, reason: wish.reason }, ...shown };
    const { data, error } = await client.mutation(RefreshAnalysisDocument, variables).toPromise();
    return { result: data?.refreshAnalysis, error };
  }
  const variables = { input: { ...input, reason: wish.reason }, ...shown };
  if (wish.act === "reject") {
    const { data, error } = await client.mutation(RejectDocument, variables).toPromise();
    return { result: data?.reject, error };
  }
  const { data, error } = await client.mutation(ClearComplianceDocument, variables).toPromise();
  return { result: data?.clearCompliance, error };
}

async function suspend(client: Client, seen: Seen, wish: Wish, key: string): Promise<Outcome> {
  const input = { accountId: seen.accountId, reason: wish.reason, kind: wish.kind, idempotencyKey: key };
  const { data, error } = await client.mutation(SuspendDocument, { input }).toPromise();
  const result = data?.suspendAccount;
  if (error || !result) return { what: "unanswered", seen, message: error?.message ?? "The API gave no answer." };
  if (result.__typename === "AccountSuspended") {
    return { what: "accepted", seen, furtherApprovals: 0, suspensionId: result.suspensionId };
  }
  return { what: "refused", seen, code: result.code, message: result.message, changes: [] };
}

/** Lifts a suspension that was just opened; the message when it is refused. */
export function undoSuspension(client: Client, suspensionId: string): Promise<string | null> {
  return liftSuspension(client, suspensionId, "Undone by the person who suspended it.", newKey());
}

/** Lifts a suspension; the message when it is refused. The same key makes another try safe. */
export async function liftSuspension(client: Client, suspensionId: string, reason: string, key: string): Promise<string | null> {
  const input = { suspensionId, reason, idempotencyKey: key };
  const { data, error } = await client.mutation(LiftSuspensionDocument, { input }).toPromise();
  const result = data?.liftSuspension;
  if (result?.__typename === "SuspensionLifted") return null;
  return error?.message ?? (result && "message" in result ? result.message : "The API gave no answer.");
}

/** One for each act of a person: trying again with the same key never decides twice. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
