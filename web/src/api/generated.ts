/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
import { gql } from 'urql';
export type AcknowledgeAlertInput = {
  alertId: string | number;
  idempotencyKey: string;
};

export type ApproveInput = {
  accountDayId: string | number;
  /** Evidence of the client's consent; needed for accounts without discretion. */
  clientConsent?: string;
  idempotencyKey: string;
  proposalHash: string;
  version: number;
};

export type ClearComplianceInput = {
  accountDayId: string | number;
  idempotencyKey: string;
  proposalHash: string;
  reason: string;
  version: number;
};

/** Where the firm's filters send an account that has something to trade. */
export type Lane =
  | 'AUTOMATED'
  | 'COMPLIANCE'
  | 'NO_TRADE'
  | 'REVIEW'
  | 'SUSPEND';

export type LiftSuspensionInput = {
  idempotencyKey: string;
  reason: string;
  suspensionId: string | number;
};

/** Where an account's day stands: one of the eight stages, or where it waits. */
export type Place =
  | 'ANALYZE'
  | 'APPROVE'
  | 'BLOCKED'
  | 'FILTER'
  | 'INGEST'
  | 'RECORD'
  | 'REVIEW'
  | 'SUSPENDED'
  | 'TRADE'
  | 'VALIDATE';

/** Whose reason it is; decides who may lift it. */
export type ReasonKind =
  | 'ADVISOR'
  | 'COMPLIANCE'
  | 'DATA';

export type RefreshAnalysisInput = {
  accountDayId: string | number;
  idempotencyKey: string;
  reason?: string;
};

export type RejectInput = {
  accountDayId: string | number;
  idempotencyKey: string;
  proposalHash: string;
  reason: string;
  version: number;
};

/** Name the account-day, or the stage for all that are blocked in it. */
export type RetryStepInput = {
  accountDayId?: string | number | null | undefined;
  businessDate?: string | null | undefined;
  idempotencyKey: string;
  reason?: string;
  stage?: Place | null | undefined;
};

/** What a person can do about an account-day. */
export type ReviewAct =
  | 'APPROVE'
  | 'CLEAR'
  | 'REFRESH'
  | 'REJECT'
  | 'SUSPEND';

/** Which account-days in review; what is left out does not matter. */
export type ReviewFilter = {
  /** How the account's number begins. */
  account?: string | null | undefined;
  advisorId?: string | null | undefined;
  discretionary?: boolean | null | undefined;
  programme?: string | null | undefined;
  /** A flag, or a field whose value made a filter want the account. */
  reason?: string | null | undefined;
};

/** What the review queue is sorted by. */
export type ReviewOrder =
  | 'ACCOUNT'
  | 'ACCOUNT_VALUE'
  | 'BENEFIT'
  | 'DRIFT'
  | 'SCORE'
  | 'TAX'
  | 'TRADED_VALUE'
  | 'TURNOVER'
  | 'WAITING';

/** By account, ascending, unless said otherwise. */
export type ReviewSort = {
  by?: ReviewOrder;
  descending?: boolean;
};

export type SuspendAccountInput = {
  accountId: string | number;
  idempotencyKey: string;
  /** Compliance and data managers may give their own kind; others suspend as ADVISOR. */
  kind?: ReasonKind | null | undefined;
  reason: string;
};

/** How an account's day ended. */
export type TerminalState =
  | 'EXPIRED'
  | 'HELD'
  | 'NO_TRADE'
  | 'REJECTED'
  | 'SUSPENDED'
  | 'TRADED';

export type LifecycleEventsSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type LifecycleEventsSubscription = { lifecycleEvents:
    | { __typename: 'EventGap', after: string, cursor: string }
    | { __typename: 'LifecycleEvent', cursor: string, kind: string, businessDate: string | null, accountId: string | null, accountDayId: string | null, recordedAt: string }
   };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { firmId: string, roles: Array<string>, book: string | null, person: { id: string, name: string }, onBehalfOf: { id: string, name: string } | null } | null };

export type AccountsQueryVariables = Exact<{
  search?: string | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type AccountsQuery = { accounts: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, accountId: string, householdId: string, advisorId: string, programme: string | null, registration: string | null, modelId: string | null, discretionary: boolean, standing: string | null, latestDay: { id: string, businessDate: string, stage: Place, lane: Lane | null, terminalState: TerminalState | null, terminalCode: string | null } | null, openSuspensions: Array<{ id: string, kind: string, code: string, reason: string, since: string, clearedBy: string, mayBeLiftedBy: Array<string> }> } }> } | null };

export type AccountRowFragment = { id: string, accountId: string, householdId: string, advisorId: string, programme: string | null, registration: string | null, modelId: string | null, discretionary: boolean, standing: string | null, latestDay: { id: string, businessDate: string, stage: Place, lane: Lane | null, terminalState: TerminalState | null, terminalCode: string | null } | null, openSuspensions: Array<{ id: string, kind: string, code: string, reason: string, since: string, clearedBy: string, mayBeLiftedBy: Array<string> }> };

export type HistoryDaysQueryVariables = Exact<{
  account: string | number;
  since?: string | null | undefined;
  until?: string | null | undefined;
  knownAt?: string | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type HistoryDaysQuery = { account: { id: string, accountId: string, householdId: string, advisorId: string, programme: string | null, registration: string | null, modelId: string | null, discretionary: boolean, standing: string | null, history: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, accountId: string, businessDate: string, attempt: number, current: boolean, stage: Place, lane: Lane | null, terminalState: TerminalState | null, terminalCode: string | null } }> } | null, latestDay: { id: string, businessDate: string, stage: Place, lane: Lane | null, terminalState: TerminalState | null, terminalCode: string | null } | null, openSuspensions: Array<{ id: string, kind: string, code: string, reason: string, since: string, clearedBy: string, mayBeLiftedBy: Array<string> }> } | null };

export type HistoryDayQueryVariables = Exact<{
  account: string | number;
  on: string;
  knownAt?: string | null | undefined;
}>;


export type HistoryDayQuery = { account: { accountId: string, history: { edges: Array<{ node: { terminalReason: string | null, waitingReason: string | null, blockedStage: Place | null, proposalHash: string | null, workflowId: string, id: string, accountId: string, businessDate: string, attempt: number, current: boolean, stage: Place, lane: Lane | null, terminalState: TerminalState | null, terminalCode: string | null, stages: Array<{ stage: string, wentTo: string | null, lane: string | null, terminalState: string | null, code: string, reason: string, inputHash: string, at: string, actor: string, recordSeq: number, recordHash: string, filterKey: string | null, matched: unknown, decisionIds: Array<string>, build: string | null, seconds: number | null, hashes: Array<{ name: string, value: string }>, findings: Array<{ code: string, scope: string, subject: string, outcome: string, message: string }> }>, inputs: { hash: string, asOf: string, market: string, settingsSeq: number, priceFaultPolicy: string, feeds: Array<{ kind: string, deliveryId: string | null, contentHash: string, code: string, message: string }>, models: Array<{ modelId: string, hash: string }> } | null, snapshot: { hash: string, asOf: string, cashSettled: string, cashUnsettled: string, settings: { sentences: Array<string> }, lots: Array<{ lotId: string, acquiredOn: string }> } | null, proposal: { id: string, hash: string, inputHash: string, version: number, outcome: string, note: string, proposedAt: string, tradeCount: number, tradedValue: string, tax: string, cost: string, turnover: string, benefitBps: string, gapBps: string, score: string, shortTermGain: string, longTermGain: string, proposedBy: { name: string }, before: { accountValue: string, cash: string, maxDrift: string, activeShare: string, trackingError: string }, after: { accountValue: string, cash: string, maxDrift: string, activeShare: string, trackingError: string }, trades: Array<{ securityId: string, side: string, quantity: string, price: string, notional: string, security: { symbol: string | null, name: string, assetClass: string | null } | null, reasons: Array<{ code: string, sentence: string }>, lotSales: Array<{ lotId: string, quantity: string, proceeds: string, basis: string, gain: string, term: string }> }>, whyNots: Array<{ securityId: string, code: string, sentence: string, security: { symbol: string | null, name: string } | null }> } | null, decisions: Array<{ id: string, kind: string, status: string, refusal: string | null, reason: string, proposalHash: string | null, actorRoles: Array<string>, decidedAt: string, envelope: unknown, actor: { id: string, name: string }, onBehalfOf: { id: string, name: string } | null }>, intents: Array<{ id: string, leg: number, securityId: string, side: string, quantity: string, filledQuantity: string, referencePrice: string, status: string, committedAt: string, security: { symbol: string | null, name: string } | null, block: { clientOrderId: string, release: number, broker: string, quantity: string, filledQuantity: string, averagePrice: string | null, status: string, brokerText: string | null, executions: Array<{ execId: string, quantity: string, price: string, recordedAt: string }> } | null, allocations: Array<{ clientOrderId: string, quantity: string, price: string, notional: string, commission: string }> }>, blocked: Array<{ stage: Place, errorType: string, message: string, runbook: string, tries: number, resolved: boolean }>, records: Array<{ seq: number, kind: string, hash: string, previousHash: string, bodyHash: string, actor: string, body: unknown, recordedAt: string, recordedBy: { name: string } }> | null } }> } | null } | null };

export type VerifyRecordsQueryVariables = Exact<{
  account: string | number;
}>;


export type VerifyRecordsQuery = { verifyRecords: { verified: number, intact: boolean, fault: { seq: number, reason: string } | null } | null };

export type DayRowFragment = { id: string, accountId: string, businessDate: string, attempt: number, current: boolean, stage: Place, lane: Lane | null, terminalState: TerminalState | null, terminalCode: string | null };

export type DayShownFragment = { terminalReason: string | null, waitingReason: string | null, blockedStage: Place | null, proposalHash: string | null, workflowId: string, id: string, accountId: string, businessDate: string, attempt: number, current: boolean, stage: Place, lane: Lane | null, terminalState: TerminalState | null, terminalCode: string | null, stages: Array<{ stage: string, wentTo: string | null, lane: string | null, terminalState: string | null, code: string, reason: string, inputHash: string, at: string, actor: string, recordSeq: number, recordHash: string, filterKey: string | null, matched: unknown, decisionIds: Array<string>, build: string | null, seconds: number | null, hashes: Array<{ name: string, value: string }>, findings: Array<{ code: string, scope: string, subject: string, outcome: string, message: string }> }>, inputs: { hash: string, asOf: string, market: string, settingsSeq: number, priceFaultPolicy: string, feeds: Array<{ kind: string, deliveryId: string | null, contentHash: string, code: string, message: string }>, models: Array<{ modelId: string, hash: string }> } | null, snapshot: { hash: string, asOf: string, cashSettled: string, cashUnsettled: string, settings: { sentences: Array<string> }, lots: Array<{ lotId: string, acquiredOn: string }> } | null, proposal: { id: string, hash: string, inputHash: string, version: number, outcome: string, note: string, proposedAt: string, tradeCount: number, tradedValue: string, tax: string, cost: string, turnover: string, benefitBps: string, gapBps: string, score: string, shortTermGain: string, longTermGain: string, proposedBy: { name: string }, before: { accountValue: string, cash: string, maxDrift: string, activeShare: string, trackingError: string }, after: { accountValue: string, cash: string, maxDrift: string, activeShare: string, trackingError: string }, trades: Array<{ securityId: string, side: string, quantity: string, price: string, notional: string, security: { symbol: string | null, name: string, assetClass: string | null } | null, reasons: Array<{ code: string, sentence: string }>, lotSales: Array<{ lotId: string, quantity: string, proceeds: string, basis: string, gain: string, term: string }> }>, whyNots: Array<{ securityId: string, code: string, sentence: string, security: { symbol: string | null, name: string } | null }> } | null, decisions: Array<{ id: string, kind: string, status: string, refusal: string | null, reason: string, proposalHash: string | null, actorRoles: Array<string>, decidedAt: string, envelope: unknown, actor: { id: string, name: string }, onBehalfOf: { id: string, name: string } | null }>, intents: Array<{ id: string, leg: number, securityId: string, side: string, quantity: string, filledQuantity: string, referencePrice: string, status: string, committedAt: string, security: { symbol: string | null, name: string } | null, block: { clientOrderId: string, release: number, broker: string, quantity: string, filledQuantity: string, averagePrice: string | null, status: string, brokerText: string | null, executions: Array<{ execId: string, quantity: string, price: string, recordedAt: string }> } | null, allocations: Array<{ clientOrderId: string, quantity: string, price: string, notional: string, commission: string }> }>, blocked: Array<{ stage: Place, errorType: string, message: string, runbook: string, tries: number, resolved: boolean }>, records: Array<{ seq: number, kind: string, hash: string, previousHash: string, bodyHash: string, actor: string, body: unknown, recordedAt: string, recordedBy: { name: string } }> | null };

export type PassShownFragment = { stage: string, wentTo: string | null, lane: string | null, terminalState: string | null, code: string, reason: string, inputHash: string, at: string, actor: string, recordSeq: number, recordHash: string, filterKey: string | null, matched: unknown, decisionIds: Array<string>, build: string | null, seconds: number | null, hashes: Array<{ name: string, value: string }>, findings: Array<{ code: string, scope: string, subject: string, outcome: string, message: string }> };

export type IntentShownFragment = { id: string, leg: number, securityId: string, side: string, quantity: string, filledQuantity: string, referencePrice: string, status: string, committedAt: string, security: { symbol: string | null, name: string } | null, block: { clientOrderId: string, release: number, broker: string, quantity: string, filledQuantity: string, averagePrice: string | null, status: string, brokerText: string | null, executions: Array<{ execId: string, quantity: string, price: string, recordedAt: string }> } | null, allocations: Array<{ clientOrderId: string, quantity: string, price: string, notional: string, commission: string }> };

export type NightQueryVariables = Exact<{
  on?: string | null | undefined;
}>;


export type NightQuery = { run: { id: string, businessDate: string, asOf: string | null, clockMode: string, status: string, phase: string, openedAt: string, roster: number, withoutDay: number | null, outcomes: Array<{ name: string, accounts: number }>, outcomeCodes: Array<{ state: string, code: string | null, accounts: number }>, openPlaces: Array<{ name: string, accounts: number }>, progress: Array<{ stage: Place, passed: number, here: number, blocked: number, seconds: number }>, feeds: Array<{ kind: string, status: string, waiting: boolean, rows: number | null, quarantinedRows: number, reasonCodes: Array<string>, message: string, notes: Array<string>, deliveries: number, fileName: string | null, contentHash: string | null, receivedAt: string | null }>, marketEvents: Array<{ id: string, kind: string, at: string, publishedAt: string | null }> } | null, suspensionCounts: Array<{ scope: string, kind: string, code: string, suspensions: number, since: string, reason: string | null, clearedBy: string, mayBeLiftedBy: Array<string> }> | null };

export type NightRunsQueryVariables = Exact<{ [key: string]: never; }>;


export type NightRunsQuery = { runs: { edges: Array<{ node: { id: string, businessDate: string } }> } | null };

export type BlockedStepsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type BlockedStepsQuery = { blockedSteps: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, accountDayId: string, accountId: string, businessDate: string, stage: Place, errorType: string, errorClass: string, message: string, runbook: string, tries: number, workflowId: string, since: string } }> } | null };

export type NightAlertsQueryVariables = Exact<{
  on?: string | null | undefined;
  unacknowledged: boolean;
  first: number;
  after?: string | null | undefined;
}>;


export type NightAlertsQuery = { alerts: { totalCount: number, pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, cause: string, scope: string, businessDate: string, severity: string, message: string, raisedAt: string, acknowledgedBy: { name: string } | null } }> } | null };

export type SuspendedAccountsQueryVariables = Exact<{
  kind?: string | null | undefined;
  code?: string | null | undefined;
  first: number;
}>;


export type SuspendedAccountsQuery = { suspensions: { pageInfo: { hasNextPage: boolean }, edges: Array<{ node: { id: string, scope: string, scopeId: string, reason: string, since: string } }> } | null };

export type RetryStepMutationVariables = Exact<{
  input: RetryStepInput;
}>;


export type RetryStepMutation = { retryStep:
    | { __typename: 'Forbidden', code: string, message: string }
    | { __typename: 'IdempotencyKeyReused', code: string, message: string }
    | { __typename: 'InvalidInput', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
    | { __typename: 'StepsRetried', steps: number }
   };

export type AcknowledgeAlertMutationVariables = Exact<{
  input: AcknowledgeAlertInput;
}>;


export type AcknowledgeAlertMutation = { acknowledgeAlert:
    | { __typename: 'AlertAcknowledged', alertId: string, acknowledgedBy: string }
    | { __typename: 'Forbidden', code: string, message: string }
    | { __typename: 'IdempotencyKeyReused', code: string, message: string }
    | { __typename: 'InvalidInput', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
   };

export type ApproveMutationVariables = Exact<{
  input: ApproveInput;
  seenHash: string;
  seenVersion: number;
}>;


export type ApproveMutation = { approve:
    | { __typename: 'DecisionAccepted', furtherApprovals: number, accountDay: { id: string, stage: Place, terminalState: TerminalState | null, version: number, proposalHash: string | null } | null }
    | { __typename: 'DecisionRefused', code: string, message: string, accountDay: { id: string, stage: Place, terminalState: TerminalState | null, version: number, proposalHash: string | null, changesSince: Array<{ code: string, sentence: string, at: string | null }> } | null }
    | { __typename: 'Forbidden', code: string, message: string }
    | { __typename: 'IdempotencyKeyReused', code: string, message: string }
    | { __typename: 'InvalidInput', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
   };

export type RejectMutationVariables = Exact<{
  input: RejectInput;
  seenHash: string;
  seenVersion: number;
}>;


export type RejectMutation = { reject:
    | { __typename: 'DecisionAccepted', furtherApprovals: number, accountDay: { id: string, stage: Place, terminalState: TerminalState | null, version: number, proposalHash: string | null } | null }
    | { __typename: 'DecisionRefused', code: string, message: string, accountDay: { id: string, stage: Place, terminalState: TerminalState | null, version: number, proposalHash: string | null, changesSince: Array<{ code: string, sentence: string, at: string | null }> } | null }
    | { __typename: 'Forbidden', code: string, message: string }
    | { __typename: 'IdempotencyKeyReused', code: string, message: string }
    | { __typename: 'InvalidInput', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
   };

export type ClearComplianceMutationVariables = Exact<{
  input: ClearComplianceInput;
  seenHash: string;
  seenVersion: number;
}>;


export type ClearComplianceMutation = { clearCompliance:
    | { __typename: 'DecisionAccepted', furtherApprovals: number, accountDay: { id: string, stage: Place, terminalState: TerminalState | null, version: number, proposalHash: string | null } | null }
    | { __typename: 'DecisionRefused', code: string, message: string, accountDay: { id: string, stage: Place, terminalState: TerminalState | null, version: number, proposalHash: string | null, changesSince: Array<{ code: string, sentence: string, at: string | null }> } | null }
    | { __typename: 'Forbidden', code: string, message: string }
    | { __typename: 'IdempotencyKeyReused', code: string, message: string }
    | { __typename: 'InvalidInput', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
   };

export type RefreshAnalysisMutationVariables = Exact<{
  input: RefreshAnalysisInput;
  seenHash: string;
  seenVersion: number;
}>;


export type RefreshAnalysisMutation = { refreshAnalysis:
    | { __typename: 'DecisionAccepted', furtherApprovals: number, accountDay: { id: string, stage: Place, terminalState: TerminalState | null, version: number, proposalHash: string | null } | null }
    | { __typename: 'DecisionRefused', code: string, message: string, accountDay: { id: string, stage: Place, terminalState: TerminalState | null, version: number, proposalHash: string | null, changesSince: Array<{ code: string, sentence: string, at: string | null }> } | null }
    | { __typename: 'Forbidden', code: string, message: string }
    | { __typename: 'IdempotencyKeyReused', code: string, message: string }
    | { __typename: 'InvalidInput', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
   };

export type SuspendMutationVariables = Exact<{
  input: SuspendAccountInput;
}>;


export type SuspendMutation = { suspendAccount:
    | { __typename: 'AccountSuspended', suspensionId: string, alreadyOpen: boolean }
    | { __typename: 'Forbidden', code: string, message: string }
    | { __typename: 'IdempotencyKeyReused', code: string, message: string }
    | { __typename: 'InvalidInput', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
   };

export type LiftSuspensionMutationVariables = Exact<{
  input: LiftSuspensionInput;
}>;


export type LiftSuspensionMutation = { liftSuspension:
    | { __typename: 'AlreadyLifted', code: string, message: string }
    | { __typename: 'Forbidden', code: string, message: string }
    | { __typename: 'IdempotencyKeyReused', code: string, message: string }
    | { __typename: 'InvalidInput', code: string, message: string }
    | { __typename: 'NotFound', code: string, message: string }
    | { __typename: 'SuspensionLifted', suspensionId: string }
   };

export type DayNowFragment = { id: string, stage: Place, terminalState: TerminalState | null, version: number, proposalHash: string | null };

export type ReviewQueueQueryVariables = Exact<{
  lane?: Lane | null | undefined;
  filter?: ReviewFilter | null | undefined;
  sort?: ReviewSort | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type ReviewQueueQuery = { reviewQueue: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, accountId: string, businessDate: string, lane: Lane | null, stage: Place, terminalState: TerminalState | null, current: boolean, version: number, proposalHash: string | null, waitingSince: string | null, deadline: string | null, permittedActs: Array<ReviewAct>, filtering: { reason: string } | null, account: { householdId: string, advisorId: string, programme: string | null, discretionary: boolean } | null, approvalTerms: { approvalsNeeded: number, approvalsGiven: number } | null, proposal: { tradeCount: number, tradedValue: string, tax: string, benefitBps: string, before: { accountValue: string, maxDrift: string } } | null } }> } | null };

export type QueueDayQueryVariables = Exact<{
  id: string | number;
}>;


export type QueueDayQuery = { accountDay: { id: string, accountId: string, businessDate: string, lane: Lane | null, stage: Place, terminalState: TerminalState | null, current: boolean, version: number, proposalHash: string | null, waitingSince: string | null, deadline: string | null, permittedActs: Array<ReviewAct>, filtering: { reason: string } | null, account: { householdId: string, advisorId: string, programme: string | null, discretionary: boolean } | null, approvalTerms: { approvalsNeeded: number, approvalsGiven: number } | null, proposal: { tradeCount: number, tradedValue: string, tax: string, benefitBps: string, before: { accountValue: string, maxDrift: string } } | null } | null };

export type ReviewSummaryQueryVariables = Exact<{ [key: string]: never; }>;


export type ReviewSummaryQuery = { reviewSummary: { businessDate: string, waiting: number, waitingSince: string | null, businessNow: string | null, expiresAt: string, expired: boolean, lanes: Array<{ name: string, accounts: number }>, reasons: Array<{ lane: Lane, code: string, label: string, isFlag: boolean, accounts: number }> } | null };

export type QueueRowFragment = { id: string, accountId: string, businessDate: string, lane: Lane | null, stage: Place, terminalState: TerminalState | null, current: boolean, version: number, proposalHash: string | null, waitingSince: string | null, deadline: string | null, permittedActs: Array<ReviewAct>, filtering: { reason: string } | null, account: { householdId: string, advisorId: string, programme: string | null, discretionary: boolean } | null, approvalTerms: { approvalsNeeded: number, approvalsGiven: number } | null, proposal: { tradeCount: number, tradedValue: string, tax: string, benefitBps: string, before: { accountValue: string, maxDrift: string } } | null };

export type ReviewQueryVariables = Exact<{
  id: string | number;
}>;


export type ReviewQuery = { accountDay: { attempt: number, terminalReason: string | null, waitingReason: string | null, workflowId: string, id: string, accountId: string, businessDate: string, lane: Lane | null, stage: Place, terminalState: TerminalState | null, current: boolean, version: number, proposalHash: string | null, waitingSince: string | null, deadline: string | null, permittedActs: Array<ReviewAct>, account: { householdId: string, advisorId: string, programme: string | null, discretionary: boolean, registration: string | null, modelId: string | null, standing: string | null } | null, filtering: { filterKey: string | null, matched: unknown, reason: string } | null, snapshot: { hash: string, asOf: string, settings: { sentences: Array<string> }, lots: Array<{ lotId: string, acquiredOn: string }> } | null, openSuspensions: Array<{ id: string, kind: string, code: string, reason: string, since: string }>, decisions: Array<{ id: string, kind: string, status: string, refusal: string | null, reason: string, decidedAt: string, actor: { name: string } }>, approvalTerms: { proposalHash: string, snapshotHash: string | null, version: number, expiresAt: string, priceMoveLimit: string, tradedValue: string, approvalLimit: string, approvalsNeeded: number, approvalsGiven: number, needsConsent: boolean, needsClearance: boolean, approvedBy: Array<{ name: string }> } | null, classWeights: Array<{ assetClass: string, target: string, before: string, after: string, driftBefore: string, driftAfter: string }> | null, proposal: { tradeCount: number, tradedValue: string, tax: string, benefitBps: string, version: number, outcome: string, note: string, proposedAt: string, cost: string, turnover: string, gapBps: string, score: string, shortTermGain: string, longTermGain: string, before: { accountValue: string, maxDrift: string, cash: string, activeShare: string, trackingError: string }, proposedBy: { name: string }, after: { accountValue: string, cash: string, maxDrift: string, activeShare: string, trackingError: string }, trades: Array<{ securityId: string, side: string, quantity: string, price: string, notional: string, security: { symbol: string | null, name: string, assetClass: string | null } | null, reasons: Array<{ code: string, sentence: string }>, lotSales: Array<{ lotId: string, quantity: string, proceeds: string, basis: string, gain: string, term: string }> }>, whyNots: Array<{ securityId: string, code: string, sentence: string, security: { symbol: string | null, name: string } | null }> } | null } | null };

export type ReviewChangesQueryVariables = Exact<{
  id: string | number;
  seenHash: string;
  seenVersion: number;
}>;


export type ReviewChangesQuery = { accountDay: { id: string, version: number, proposalHash: string | null, stage: Place, terminalState: TerminalState | null, changesSince: Array<{ code: string, sentence: string, at: string | null }> } | null };

export type MeasuresShownFragment = { accountValue: string, cash: string, maxDrift: string, activeShare: string, trackingError: string };

export type ProposalShownFragment = { version: number, outcome: string, note: string, proposedAt: string, tradeCount: number, tradedValue: string, tax: string, cost: string, turnover: string, benefitBps: string, gapBps: string, score: string, shortTermGain: string, longTermGain: string, proposedBy: { name: string }, before: { accountValue: string, cash: string, maxDrift: string, activeShare: string, trackingError: string }, after: { accountValue: string, cash: string, maxDrift: string, activeShare: string, trackingError: string }, trades: Array<{ securityId: string, side: string, quantity: string, price: string, notional: string, security: { symbol: string | null, name: string, assetClass: string | null } | null, reasons: Array<{ code: string, sentence: string }>, lotSales: Array<{ lotId: string, quantity: string, proceeds: string, basis: string, gain: string, term: string }> }>, whyNots: Array<{ securityId: string, code: string, sentence: string, security: { symbol: string | null, name: string } | null }> };

export const AccountRowFragmentDoc = gql`
    fragment AccountRow on Account {
  id
  accountId
  householdId
  advisorId
  programme
  registration
  modelId
  discretionary
  standing
  latestDay {
    id
    businessDate
    stage
    lane
    terminalState
    terminalCode
  }
  openSuspensions {
    id
    kind
    code
    reason
    since
    clearedBy
    mayBeLiftedBy
  }
}
    ` as unknown as DocumentNode<AccountRowFragment, unknown>;
export const DayRowFragmentDoc = gql`
    fragment DayRow on AccountDay {
  id
  accountId
  businessDate
  attempt
  current
  stage
  lane
  terminalState
  terminalCode
}
    ` as unknown as DocumentNode<DayRowFragment, unknown>;
export const PassShownFragmentDoc = gql`
    fragment PassShown on StagePass {
  stage
  wentTo
  lane
  terminalState
  code
  reason
  inputHash
  at
  actor
  recordSeq
  recordHash
  filterKey
  matched
  decisionIds
  build
  seconds
  hashes {
    name
    value
  }
  findings {
    code
    scope
    subject
    outcome
    message
  }
}
    ` as unknown as DocumentNode<PassShownFragment, unknown>;
export const MeasuresShownFragmentDoc = gql`
    fragment MeasuresShown on Measures {
  accountValue
  cash
  maxDrift
  activeShare
  trackingError
}
    ` as unknown as DocumentNode<MeasuresShownFragment, unknown>;
export const ProposalShownFragmentDoc = gql`
    fragment ProposalShown on Proposal {
  version
  outcome
  note
  proposedAt
  proposedBy {
    name
  }
  tradeCount
  tradedValue
  tax
  cost
  turnover
  benefitBps
  gapBps
  score
  shortTermGain
  longTermGain
  before {
    ...MeasuresShown
  }
  after {
    ...MeasuresShown
  }
  trades {
    securityId
    side
    quantity
    price
    notional
    security {
      symbol
      name
      assetClass
    }
    reasons {
      code
      sentence
    }
    lotSales {
      lotId
      quantity
      proceeds
      basis
      gain
      term
    }
  }
  whyNots {
    securityId
    code
    sentence
    security {
      symbol
      name
    }
  }
}
    ` as unknown as DocumentNode<ProposalShownFragment, unknown>;
export const IntentShownFragmentDoc = gql`
    fragment IntentShown on Intent {
  id
  leg
  securityId
  side
  quantity
  filledQuantity
  referencePrice
  status
  committedAt
  security {
    symbol
    name
  }
  block {
    clientOrderId
    release
    broker
    quantity
    filledQuantity
    averagePrice
    status
    brokerText
    executions {
      execId
      quantity
      price
      recordedAt
    }
  }
  allocations {
    clientOrderId
    quantity
    price
    notional
    commission
  }
}
    ` as unknown as DocumentNode<IntentShownFragment, unknown>;
export const DayShownFragmentDoc = gql`
    fragment DayShown on AccountDay {
  ...DayRow
  terminalReason
  waitingReason
  blockedStage
  proposalHash
  workflowId
  stages {
    ...PassShown
  }
  inputs {
    hash
    asOf
    market
    settingsSeq
    priceFaultPolicy
    feeds {
      kind
      deliveryId
      contentHash
      code
      message
    }
    models {
      modelId
      hash
    }
  }
  snapshot {
    hash
    asOf
    cashSettled
    cashUnsettled
    settings {
      sentences
    }
    lots {
      lotId
      acquiredOn
    }
  }
  proposal {
    id
    hash
    inputHash
    ...ProposalShown
  }
  decisions {
    id
    kind
    status
    refusal
    reason
    proposalHash
    actorRoles
    decidedAt
    envelope
    actor {
      id
      name
    }
    onBehalfOf {
      id
      name
    }
  }
  intents {
    ...IntentShown
  }
  blocked {
    stage
    errorType
    message
    runbook
    tries
    resolved
  }
  records {
    seq
    kind
    hash
    previousHash
    bodyHash
    actor
    recordedBy {
      name
    }
    body
    recordedAt
  }
}
    ` as unknown as DocumentNode<DayShownFragment, unknown>;
export const DayNowFragmentDoc = gql`
    fragment DayNow on AccountDay {
  id
  stage
  terminalState
  version
  proposalHash
}
    ` as unknown as DocumentNode<DayNowFragment, unknown>;
export const QueueRowFragmentDoc = gql`
    fragment QueueRow on AccountDay {
  id
  accountId
  businessDate
  lane
  stage
  terminalState
  current
  version
  proposalHash
  waitingSince
  deadline
  permittedActs
  filtering {
    reason
  }
  account {
    householdId
    advisorId
    programme
    discretionary
  }
  approvalTerms {
    approvalsNeeded
    approvalsGiven
  }
  proposal {
    tradeCount
    tradedValue
    tax
    benefitBps
    before {
      accountValue
      maxDrift
    }
  }
}
    ` as unknown as DocumentNode<QueueRowFragment, unknown>;
export const LifecycleEventsDocument = gql`
    subscription LifecycleEvents {
  lifecycleEvents {
    __typename
    ... on LifecycleEvent {
      cursor
      kind
      businessDate
      accountId
      accountDayId
      recordedAt
    }
    ... on EventGap {
      after
      cursor
    }
  }
}
    ` as unknown as DocumentNode<LifecycleEventsSubscription, LifecycleEventsSubscriptionVariables>;
export const ViewerDocument = gql`
    query Viewer {
  viewer {
    firmId
    roles
    book
    person {
      id
      name
    }
    onBehalfOf {
      id
      name
    }
  }
}
    ` as unknown as DocumentNode<ViewerQuery, ViewerQueryVariables>;
export const AccountsDocument = gql`
    query Accounts($search: String, $first: Int!, $after: String) {
  accounts(search: $search, first: $first, after: $after) {
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        ...AccountRow
      }
    }
  }
}
    ${AccountRowFragmentDoc}` as unknown as DocumentNode<AccountsQuery, AccountsQueryVariables>;
export const HistoryDaysDocument = gql`
    query HistoryDays($account: ID!, $since: Date, $until: Date, $knownAt: DateTime, $first: Int!, $after: String) {
  account(id: $account) {
    ...AccountRow
    history(
      since: $since
      until: $until
      knownAt: $knownAt
      first: $first
      after: $after
    ) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          ...DayRow
        }
      }
    }
  }
}
    ${AccountRowFragmentDoc}
${DayRowFragmentDoc}` as unknown as DocumentNode<HistoryDaysQuery, HistoryDaysQueryVariables>;
export const HistoryDayDocument = gql`
    query HistoryDay($account: ID!, $on: Date!, $knownAt: DateTime) {
  account(id: $account) {
    accountId
    history(since: $on, until: $on, knownAt: $knownAt, first: 10) {
      edges {
        node {
          ...DayShown
        }
      }
    }
  }
}
    ${DayShownFragmentDoc}
${DayRowFragmentDoc}
${PassShownFragmentDoc}
${ProposalShownFragmentDoc}
${MeasuresShownFragmentDoc}
${IntentShownFragmentDoc}` as unknown as DocumentNode<HistoryDayQuery, HistoryDayQueryVariables>;
export const VerifyRecordsDocument = gql`
    query VerifyRecords($account: ID!) {
  verifyRecords(accountId: $account) {
    verified
    intact
    fault {
      seq
      reason
    }
  }
}
    ` as unknown as DocumentNode<VerifyRecordsQuery, VerifyRecordsQueryVariables>;
export const NightDocument = gql`
    query Night($on: Date) {
  run(businessDate: $on) {
    id
    businessDate
    asOf
    clockMode
    status
    phase
    openedAt
    roster
    withoutDay
    outcomes {
      name
      accounts
    }
    outcomeCodes {
      state
      code
      accounts
    }
    openPlaces {
      name
      accounts
    }
    progress {
      stage
      passed
      here
      blocked
      seconds
    }
    feeds {
      kind
      status
      waiting
      rows
      quarantinedRows
      reasonCodes
      message
      notes
      deliveries
      fileName
      contentHash
      receivedAt
    }
    marketEvents {
      id
      kind
      at
      publishedAt
    }
  }
  suspensionCounts {
    scope
    kind
    code
    suspensions
    since
    reason
    clearedBy
    mayBeLiftedBy
  }
}
    ` as unknown as DocumentNode<NightQuery, NightQueryVariables>;
export const NightRunsDocument = gql`
    query NightRuns {
  runs(first: 30) {
    edges {
      node {
        id
        businessDate
      }
    }
  }
}
    ` as unknown as DocumentNode<NightRunsQuery, NightRunsQueryVariables>;
export const BlockedStepsDocument = gql`
    query BlockedSteps($first: Int!, $after: String) {
  blockedSteps(first: $first, after: $after) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
        accountDayId
        accountId
        businessDate
        stage
        errorType
        errorClass
        message
        runbook
        tries
        workflowId
        since
      }
    }
  }
}
    ` as unknown as DocumentNode<BlockedStepsQuery, BlockedStepsQueryVariables>;
export const NightAlertsDocument = gql`
    query NightAlerts($on: Date, $unacknowledged: Boolean!, $first: Int!, $after: String) {
  alerts(
    businessDate: $on
    unacknowledged: $unacknowledged
    first: $first
    after: $after
  ) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
        cause
        scope
        businessDate
        severity
        message
        raisedAt
        acknowledgedBy {
          name
        }
      }
    }
  }
}
    ` as unknown as DocumentNode<NightAlertsQuery, NightAlertsQueryVariables>;
export const SuspendedAccountsDocument = gql`
    query SuspendedAccounts($kind: String, $code: String, $first: Int!) {
  suspensions(openOnly: true, kind: $kind, code: $code, first: $first) {
    pageInfo {
      hasNextPage
    }
    edges {
      node {
        id
        scope
        scopeId
        reason
        since
      }
    }
  }
}
    ` as unknown as DocumentNode<SuspendedAccountsQuery, SuspendedAccountsQueryVariables>;
export const RetryStepDocument = gql`
    mutation RetryStep($input: RetryStepInput!) {
  retryStep(input: $input) {
    __typename
    ... on StepsRetried {
      steps
    }
    ... on UserError {
      code
      message
    }
  }
}
    ` as unknown as DocumentNode<RetryStepMutation, RetryStepMutationVariables>;
export const AcknowledgeAlertDocument = gql`
    mutation AcknowledgeAlert($input: AcknowledgeAlertInput!) {
  acknowledgeAlert(input: $input) {
    __typename
    ... on AlertAcknowledged {
      alertId
      acknowledgedBy
    }
    ... on UserError {
      code
      message
    }
  }
}
    ` as unknown as DocumentNode<AcknowledgeAlertMutation, AcknowledgeAlertMutationVariables>;
export const ApproveDocument = gql`
    mutation Approve($input: ApproveInput!, $seenHash: String!, $seenVersion: Int!) {
  approve(input: $input) {
    __typename
    ... on DecisionAccepted {
      furtherApprovals
      accountDay {
        ...DayNow
      }
    }
    ... on DecisionRefused {
      code
      message
      accountDay {
        ...DayNow
        changesSince(proposalHash: $seenHash, version: $seenVersion) {
          code
          sentence
          at
        }
      }
    }
    ... on UserError {
      code
      message
    }
  }
}
    ${DayNowFragmentDoc}` as unknown as DocumentNode<ApproveMutation, ApproveMutationVariables>;
export const RejectDocument = gql`
    mutation Reject($input: RejectInput!, $seenHash: String!, $seenVersion: Int!) {
  reject(input: $input) {
    __typename
    ... on DecisionAccepted {
      furtherApprovals
      accountDay {
        ...DayNow
      }
    }
    ... on DecisionRefused {
      code
      message
      accountDay {
        ...DayNow
        changesSince(proposalHash: $seenHash, version: $seenVersion) {
          code
          sentence
          at
        }
      }
    }
    ... on UserError {
      code
      message
    }
  }
}
    ${DayNowFragmentDoc}` as unknown as DocumentNode<RejectMutation, RejectMutationVariables>;
export const ClearComplianceDocument = gql`
    mutation ClearCompliance($input: ClearComplianceInput!, $seenHash: String!, $seenVersion: Int!) {
  clearCompliance(input: $input) {
    __typename
    ... on DecisionAccepted {
      furtherApprovals
      accountDay {
        ...DayNow
      }
    }
    ... on DecisionRefused {
      code
      message
      accountDay {
        ...DayNow
        changesSince(proposalHash: $seenHash, version: $seenVersion) {
          code
          sentence
          at
        }
      }
    }
    ... on UserError {
      code
      message
    }
  }
}
    ${DayNowFragmentDoc}` as unknown as DocumentNode<ClearComplianceMutation, ClearComplianceMutationVariables>;
export const RefreshAnalysisDocument = gql`
    mutation RefreshAnalysis($input: RefreshAnalysisInput!, $seenHash: String!, $seenVersion: Int!) {
  refreshAnalysis(input: $input) {
    __typename
    ... on DecisionAccepted {
      furtherApprovals
      accountDay {
        ...DayNow
      }
    }
    ... on DecisionRefused {
      code
      message
      accountDay {
        ...DayNow
        changesSince(proposalHash: $seenHash, version: $seenVersion) {
          code
          sentence
          at
        }
      }
    }
    ... on UserError {
      code
      message
    }
  }
}
    ${DayNowFragmentDoc}` as unknown as DocumentNode<RefreshAnalysisMutation, RefreshAnalysisMutationVariables>;
export const SuspendDocument = gql`
    mutation Suspend($input: SuspendAccountInput!) {
  suspendAccount(input: $input) {
    __typename
    ... on AccountSuspended {
      suspensionId
      alreadyOpen
    }
    ... on UserError {
      code
      message
    }
  }
}
    ` as unknown as DocumentNode<SuspendMutation, SuspendMutationVariables>;
export const LiftSuspensionDocument = gql`
    mutation LiftSuspension($input: LiftSuspensionInput!) {
  liftSuspension(input: $input) {
    __typename
    ... on SuspensionLifted {
      suspensionId
    }
    ... on UserError {
      code
      message
    }
  }
}
    ` as unknown as DocumentNode<LiftSuspensionMutation, LiftSuspensionMutationVariables>;
export const ReviewQueueDocument = gql`
    query ReviewQueue($lane: Lane, $filter: ReviewFilter, $sort: ReviewSort, $first: Int!, $after: String) {
  reviewQueue(
    lane: $lane
    filter: $filter
    sort: $sort
    first: $first
    after: $after
  ) {
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        ...QueueRow
      }
    }
  }
}
    ${QueueRowFragmentDoc}` as unknown as DocumentNode<ReviewQueueQuery, ReviewQueueQueryVariables>;
export const QueueDayDocument = gql`
    query QueueDay($id: ID!) {
  accountDay(id: $id) {
    ...QueueRow
  }
}
    ${QueueRowFragmentDoc}` as unknown as DocumentNode<QueueDayQuery, QueueDayQueryVariables>;
export const ReviewSummaryDocument = gql`
    query ReviewSummary {
  reviewSummary {
    businessDate
    waiting
    waitingSince
    lanes {
      name
      accounts
    }
    reasons {
      lane
      code
      label
      isFlag
      accounts
    }
    businessNow
    expiresAt
    expired
  }
}
    ` as unknown as DocumentNode<ReviewSummaryQuery, ReviewSummaryQueryVariables>;
export const ReviewDocument = gql`
    query Review($id: ID!) {
  accountDay(id: $id) {
    ...QueueRow
    attempt
    terminalReason
    waitingReason
    workflowId
    account {
      householdId
      advisorId
      programme
      discretionary
      registration
      modelId
      standing
    }
    filtering {
      filterKey
      matched
      reason
    }
    snapshot {
      hash
      asOf
      settings {
        sentences
      }
      lots {
        lotId
        acquiredOn
      }
    }
    openSuspensions {
      id
      kind
      code
      reason
      since
    }
    decisions {
      id
      kind
      status
      refusal
      reason
      decidedAt
      actor {
        name
      }
    }
    approvalTerms {
      proposalHash
      snapshotHash
      version
      expiresAt
      priceMoveLimit
      tradedValue
      approvalLimit
      approvalsNeeded
      approvalsGiven
      needsConsent
      needsClearance
      approvedBy {
        name
      }
    }
    classWeights {
      assetClass
      target
      before
      after
      driftBefore
      driftAfter
    }
    proposal {
      ...ProposalShown
    }
  }
}
    ${QueueRowFragmentDoc}
${ProposalShownFragmentDoc}
${MeasuresShownFragmentDoc}` as unknown as DocumentNode<ReviewQuery, ReviewQueryVariables>;
export const ReviewChangesDocument = gql`
    query ReviewChanges($id: ID!, $seenHash: String!, $seenVersion: Int!) {
  accountDay(id: $id) {
    id
    version
    proposalHash
    stage
    terminalState
    changesSince(proposalHash: $seenHash, version: $seenVersion) {
      code
      sentence
      at
    }
  }
}
    ` as unknown as DocumentNode<ReviewChangesQuery, ReviewChangesQueryVariables>;