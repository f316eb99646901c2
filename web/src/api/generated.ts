/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** Date (isoformat) */
  Date: { input: string; output: string; }
  /** Date with time (isoformat) */
  DateTime: { input: string; output: string; }
  /** An exact number as text, plain notation, without trailing zeros. */
  Decimal: { input: string; output: string; }
  /** The `JSON` scalar type represents JSON values as specified by [ECMA-404](https://ecma-international.org/wp-content/uploads/ECMA-404_2nd_edition_december_2017.pdf). */
  JSON: { input: unknown; output: unknown; }
};

/** A custodial account. */
export type Account = {
  __typename?: 'Account';
  accountId: Scalars['String']['output'];
  advisorId: Scalars['String']['output'];
  discretionary: Scalars['Boolean']['output'];
  /** Every attempt of every business day, newest first. Row 28: the audit log. */
  history?: Maybe<AccountDayConnection>;
  householdId: Scalars['String']['output'];
  id: Scalars['ID']['output'];
  modelId?: Maybe<Scalars['String']['output']>;
  /** Suspensions of the account and of the firm that stand open now. */
  openSuspensions: Array<Suspension>;
  programme?: Maybe<Scalars['String']['output']>;
  registration?: Maybe<Scalars['String']['output']>;
  standing?: Maybe<Scalars['String']['output']>;
};


/** A custodial account. */
export type AccountHistoryArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
};

/** One account on one business date, one attempt. */
export type AccountDay = {
  __typename?: 'AccountDay';
  account?: Maybe<Account>;
  accountId: Scalars['String']['output'];
  attempt: Scalars['Int']['output'];
  blocked: Array<BlockedReason>;
  blockedStage?: Maybe<Place>;
  businessDate: Scalars['Date']['output'];
  /** False when a later attempt has taken over. */
  current: Scalars['Boolean']['output'];
  decisions: Array<Decision>;
  /** What the filters decided in their latest pass. */
  filtering?: Maybe<Filtering>;
  id: Scalars['ID']['output'];
  intents: Array<Intent>;
  lane?: Maybe<Lane>;
  /** Suspensions of the account and of the firm that stand open now. */
  openSuspensions: Array<Suspension>;
  /** The proposal that stands. */
  proposal?: Maybe<Proposal>;
  /** What an approval approves; send it with a decision. */
  proposalHash?: Maybe<Scalars['String']['output']>;
  /** The day's entries in the account's record. Null without the right to the audit log. */
  records?: Maybe<Array<RecordEntry>>;
  /** The frozen inputs; null until validation has passed. */
  snapshot?: Maybe<Snapshot>;
  snapshotHash?: Maybe<Scalars['String']['output']>;
  stage: Place;
  /** Every pass of a stage, in order. */
  stages: Array<StagePass>;
  terminalCode?: Maybe<Scalars['String']['output']>;
  terminalReason?: Maybe<Scalars['String']['output']>;
  terminalState?: Maybe<TerminalState>;
  updatedAt: Scalars['DateTime']['output'];
  /** Changes whenever the day moves; send it with a decision. */
  version: Scalars['Int']['output'];
  waitingReason?: Maybe<Scalars['String']['output']>;
  workflowId: Scalars['String']['output'];
};

export type AccountDayConnection = {
  __typename?: 'AccountDayConnection';
  edges: Array<AccountDayEdge>;
  pageInfo: PageInfo;
  /** How many there are over all pages; counted only when asked for. */
  totalCount: Scalars['Int']['output'];
};

export type AccountDayEdge = {
  __typename?: 'AccountDayEdge';
  cursor: Scalars['String']['output'];
  node: AccountDay;
};

/** Which account-days; what is left out does not matter. */
export type AccountDayFilter = {
  businessDate?: InputMaybe<Scalars['Date']['input']>;
  lane?: InputMaybe<Lane>;
  openOnly?: Scalars['Boolean']['input'];
  /** A code of how the day ended, why it waits, or what blocks it. */
  reason?: InputMaybe<Scalars['String']['input']>;
  stage?: InputMaybe<Place>;
  terminalState?: InputMaybe<TerminalState>;
};

export type AccountSuspended = {
  __typename?: 'AccountSuspended';
  accountId: Scalars['String']['output'];
  /** It stood already, and stands. */
  alreadyOpen: Scalars['Boolean']['output'];
  suspensionId: Scalars['ID']['output'];
};

export type AcknowledgeAlertInput = {
  alertId: Scalars['ID']['input'];
  idempotencyKey: Scalars['String']['input'];
};

export type AcknowledgeAlertResult = AlertAcknowledged | Forbidden | IdempotencyKeyReused | InvalidInput | NotFound;

/** A person of the firm, or the policy itself (id trimtab). */
export type Actor = {
  __typename?: 'Actor';
  id: Scalars['ID']['output'];
  name: Scalars['String']['output'];
};

export type Alert = {
  __typename?: 'Alert';
  /** Null while nobody has. */
  acknowledgedBy?: Maybe<Actor>;
  businessDate: Scalars['Date']['output'];
  cause: Scalars['String']['output'];
  id: Scalars['ID']['output'];
  message: Scalars['String']['output'];
  raisedAt: Scalars['DateTime']['output'];
  scope: Scalars['String']['output'];
  severity: Scalars['String']['output'];
};

export type AlertAcknowledged = {
  __typename?: 'AlertAcknowledged';
  /** Who was the first. */
  acknowledgedBy: Scalars['String']['output'];
  alertId: Scalars['ID']['output'];
};

export type AlertConnection = {
  __typename?: 'AlertConnection';
  edges: Array<AlertEdge>;
  pageInfo: PageInfo;
};

export type AlertEdge = {
  __typename?: 'AlertEdge';
  cursor: Scalars['String']['output'];
  node: Alert;
};

/** The account's part of a block's fills, at the average price; dollars. */
export type Allocation = {
  __typename?: 'Allocation';
  clientOrderId: Scalars['String']['output'];
  commission: Scalars['Decimal']['output'];
  notional: Scalars['Decimal']['output'];
  price: Scalars['Decimal']['output'];
  quantity: Scalars['Decimal']['output'];
};

/** Somebody has lifted it already. */
export type AlreadyLifted = UserError & {
  __typename?: 'AlreadyLifted';
  code: Scalars['String']['output'];
  message: Scalars['String']['output'];
  suspensionId: Scalars['ID']['output'];
};

export type ApproveInput = {
  accountDayId: Scalars['ID']['input'];
  /** Evidence of the client's consent; needed for accounts without discretion. */
  clientConsent?: Scalars['String']['input'];
  idempotencyKey: Scalars['String']['input'];
  proposalHash: Scalars['String']['input'];
  version: Scalars['Int']['input'];
};

/** One order at the broker for many accounts. */
export type Block = {
  __typename?: 'Block';
  averagePrice?: Maybe<Scalars['Decimal']['output']>;
  broker: Scalars['String']['output'];
  brokerText?: Maybe<Scalars['String']['output']>;
  clientOrderId: Scalars['String']['output'];
  /** What the broker executed of the whole block, for all of its accounts. */
  executions: Array<Execution>;
  filledQuantity: Scalars['Decimal']['output'];
  quantity: Scalars['Decimal']['output'];
  release: Scalars['Int']['output'];
  securityId: Scalars['String']['output'];
  side: Scalars['String']['output'];
  status: Scalars['String']['output'];
};

/** A step that is parked: what failed, and what to do. */
export type BlockedReason = {
  __typename?: 'BlockedReason';
  errorClass: Scalars['String']['output'];
  errorType: Scalars['String']['output'];
  message: Scalars['String']['output'];
  resolved: Scalars['Boolean']['output'];
  runbook: Scalars['String']['output'];
  stage: Place;
  tries: Scalars['Int']['output'];
};

/** A step that is parked until it is retried, by itself or by a person. */
export type BlockedStep = {
  __typename?: 'BlockedStep';
  accountDayId: Scalars['ID']['output'];
  accountId: Scalars['String']['output'];
  businessDate: Scalars['Date']['output'];
  errorClass: Scalars['String']['output'];
  errorType: Scalars['String']['output'];
  id: Scalars['ID']['output'];
  message: Scalars['String']['output'];
  /** What to do. */
  runbook: Scalars['String']['output'];
  since: Scalars['DateTime']['output'];
  stage: Place;
  tries: Scalars['Int']['output'];
  workflowId: Scalars['String']['output'];
};

export type BlockedStepConnection = {
  __typename?: 'BlockedStepConnection';
  edges: Array<BlockedStepEdge>;
  pageInfo: PageInfo;
};

export type BlockedStepEdge = {
  __typename?: 'BlockedStepEdge';
  cursor: Scalars['String']['output'];
  node: BlockedStep;
};

export type ClearComplianceInput = {
  accountDayId: Scalars['ID']['input'];
  idempotencyKey: Scalars['String']['input'];
  proposalHash: Scalars['String']['input'];
  reason: Scalars['String']['input'];
  version: Scalars['Int']['input'];
};

export type Count = {
  __typename?: 'Count';
  accounts: Scalars['Int']['output'];
  name: Scalars['String']['output'];
};

/** A decision of a person or of the firm's policy, accepted or refused. */
export type Decision = {
  __typename?: 'Decision';
  /** Who decided. */
  actor: Actor;
  actorRoles: Array<Scalars['String']['output']>;
  decidedAt: Scalars['DateTime']['output'];
  /** What an approval covers: proposal, data, prices, until when. */
  envelope?: Maybe<Scalars['JSON']['output']>;
  id: Scalars['ID']['output'];
  kind: Scalars['String']['output'];
  /** The person whom the actor represented, if any. */
  onBehalfOf?: Maybe<Actor>;
  proposalHash?: Maybe<Scalars['String']['output']>;
  reason: Scalars['String']['output'];
  /** Why it does not count. */
  refusal?: Maybe<Scalars['String']['output']>;
  status: Scalars['String']['output'];
};

/** The decision counts and is on the record. The lifecycle goes on by itself. */
export type DecisionAccepted = {
  __typename?: 'DecisionAccepted';
  /** As it stands now; the lifecycle may have gone on already. */
  accountDay?: Maybe<AccountDay>;
  decisionId: Scalars['ID']['output'];
  /** How many more persons have to approve. */
  furtherApprovals: Scalars['Int']['output'];
};

/** The decision does not count. The refusal is on the record too. */
export type DecisionRefused = UserError & {
  __typename?: 'DecisionRefused';
  /** What stands now. */
  accountDay?: Maybe<AccountDay>;
  code: Scalars['String']['output'];
  decisionId: Scalars['ID']['output'];
  message: Scalars['String']['output'];
};

export type DecisionResult = DecisionAccepted | DecisionRefused | Forbidden | IdempotencyKeyReused | InvalidInput | NotFound;

/** A file for the day, and what became of it. */
export type Delivery = {
  __typename?: 'Delivery';
  asOf?: Maybe<Scalars['Date']['output']>;
  businessDate: Scalars['Date']['output'];
  contentHash: Scalars['String']['output'];
  fileName: Scalars['String']['output'];
  id: Scalars['ID']['output'];
  kind: Scalars['String']['output'];
  message: Scalars['String']['output'];
  reasonCodes: Array<Scalars['String']['output']>;
  receivedAt: Scalars['DateTime']['output'];
  rowCount?: Maybe<Scalars['Int']['output']>;
  source?: Maybe<Scalars['String']['output']>;
  status: Scalars['String']['output'];
};

/** Events between `after` and `cursor` cannot be had: read the state anew, then go on from `cursor`. */
export type EventGap = {
  __typename?: 'EventGap';
  after: Scalars['String']['output'];
  cursor: Scalars['String']['output'];
};

/** What the broker executed of a block; shares and dollars a share. */
export type Execution = {
  __typename?: 'Execution';
  broker: Scalars['String']['output'];
  execId: Scalars['String']['output'];
  price: Scalars['Decimal']['output'];
  quantity: Scalars['Decimal']['output'];
  recordedAt: Scalars['DateTime']['output'];
};

/** Which filter sent the account here, and what of the account it matched. */
export type Filtering = {
  __typename?: 'Filtering';
  /** suspend, compliance, review or automated; null for none. */
  filterKey?: Maybe<Scalars['String']['output']>;
  /** Field name to the account's value. */
  matched: Scalars['JSON']['output'];
  reason: Scalars['String']['output'];
};

/** Your roles do not allow it; `code` is the policy's word. */
export type Forbidden = UserError & {
  __typename?: 'Forbidden';
  code: Scalars['String']['output'];
  message: Scalars['String']['output'];
};

export type HeldLot = {
  __typename?: 'HeldLot';
  acquiredOn: Scalars['Date']['output'];
  cost: Scalars['Decimal']['output'];
  lotId: Scalars['String']['output'];
  quantity: Scalars['Decimal']['output'];
  securityId: Scalars['String']['output'];
};

export type HeldPosition = {
  __typename?: 'HeldPosition';
  marketValue: Scalars['Decimal']['output'];
  quantity: Scalars['Decimal']['output'];
  securityId: Scalars['String']['output'];
};

/** The account's settings as they held on the day. Rates and weights are fractions. */
export type HeldSettings = {
  __typename?: 'HeldSettings';
  cashNeeded: Scalars['Decimal']['output'];
  cashReserve: Scalars['Decimal']['output'];
  cashTarget: Scalars['Decimal']['output'];
  commission: Scalars['Decimal']['output'];
  harvesting: Scalars['String']['output'];
  longTermRate: Scalars['Decimal']['output'];
  minimumTrade: Scalars['Decimal']['output'];
  restrictions: Array<SecurityRestriction>;
  shortTermRate: Scalars['Decimal']['output'];
  taxSensitivity: Scalars['String']['output'];
  tracking: Scalars['String']['output'];
};

/** The idempotency key was used for another request. */
export type IdempotencyKeyReused = UserError & {
  __typename?: 'IdempotencyKeyReused';
  code: Scalars['String']['output'];
  message: Scalars['String']['output'];
};

/** One leg that the account committed to trade. Quantity is positive for buys and sells. */
export type Intent = {
  __typename?: 'Intent';
  allocations: Array<Allocation>;
  /** The order at the broker; null before its release. */
  block?: Maybe<Block>;
  committedAt: Scalars['DateTime']['output'];
  filledQuantity: Scalars['Decimal']['output'];
  id: Scalars['ID']['output'];
  leg: Scalars['Int']['output'];
  proposalHash: Scalars['String']['output'];
  quantity: Scalars['Decimal']['output'];
  referencePrice: Scalars['Decimal']['output'];
  securityId: Scalars['String']['output'];
  side: Scalars['String']['output'];
  status: Scalars['String']['output'];
};

/** An input that cannot be taken. */
export type InvalidInput = UserError & {
  __typename?: 'InvalidInput';
  code: Scalars['String']['output'];
  field: Scalars['String']['output'];
  message: Scalars['String']['output'];
};

/** Where the firm's filters send an account that has something to trade. */
export type Lane =
  | 'AUTOMATED'
  | 'COMPLIANCE'
  | 'NO_TRADE'
  | 'REVIEW'
  | 'SUSPEND';

export type LifecycleDelivery = EventGap | LifecycleEvent;

/** Something happened to an account's day, a run, a suspension or an alert. `previous` is the cursor of the delivery before it: when it equals the last cursor that you hold, you have missed nothing that you may see. */
export type LifecycleEvent = {
  __typename?: 'LifecycleEvent';
  accountDayId?: Maybe<Scalars['ID']['output']>;
  accountId?: Maybe<Scalars['String']['output']>;
  body: Scalars['JSON']['output'];
  businessDate?: Maybe<Scalars['Date']['output']>;
  cursor: Scalars['String']['output'];
  kind: Scalars['String']['output'];
  previous: Scalars['String']['output'];
  recordedAt: Scalars['DateTime']['output'];
};

export type LiftSuspensionInput = {
  idempotencyKey: Scalars['String']['input'];
  reason: Scalars['String']['input'];
  suspensionId: Scalars['ID']['input'];
};

export type LiftSuspensionResult = AlreadyLifted | Forbidden | IdempotencyKeyReused | InvalidInput | NotFound | SuspensionLifted;

/** Shares of one lot to be sold; dollars. The gain is negative for a loss. */
export type LotSale = {
  __typename?: 'LotSale';
  basis: Scalars['Decimal']['output'];
  gain: Scalars['Decimal']['output'];
  lotId: Scalars['String']['output'];
  proceeds: Scalars['Decimal']['output'];
  quantity: Scalars['Decimal']['output'];
  term: Scalars['String']['output'];
};

/** A tick of the business clock. */
export type MarketEvent = {
  __typename?: 'MarketEvent';
  /** In business time. */
  at: Scalars['DateTime']['output'];
  id: Scalars['ID']['output'];
  kind: Scalars['String']['output'];
  publishedAt?: Maybe<Scalars['DateTime']['output']>;
};

/** The account before or after the trades; weights and risk are fractions of its value. */
export type Measures = {
  __typename?: 'Measures';
  accountValue: Scalars['Decimal']['output'];
  activeShare: Scalars['Decimal']['output'];
  cash: Scalars['Decimal']['output'];
  maxDrift: Scalars['Decimal']['output'];
  trackingError: Scalars['Decimal']['output'];
};

export type Mutation = {
  __typename?: 'Mutation';
  /** Say that you look after the alert. */
  acknowledgeAlert: AcknowledgeAlertResult;
  /** Approve the proposal with this hash. Above the firm's limit a second person has to approve as well. */
  approve: DecisionResult;
  /** End the compliance review; the remaining filters choose the lane. */
  clearCompliance: DecisionResult;
  /** Lift a suspension, with a reason. */
  liftSuspension: LiftSuspensionResult;
  /** Analyse an account that waits for review, or is suspended, again. */
  refreshAnalysis: DecisionResult;
  /** Reject the proposal; the account trades nothing today. */
  reject: DecisionResult;
  /** Try blocked steps again, at once. */
  retryStep: RetryStepResult;
  /** Suspend an account, until somebody with the right lifts it. */
  suspendAccount: SuspendAccountResult;
};


export type MutationAcknowledgeAlertArgs = {
  input: AcknowledgeAlertInput;
};


export type MutationApproveArgs = {
  input: ApproveInput;
};


export type MutationClearComplianceArgs = {
  input: ClearComplianceInput;
};


export type MutationLiftSuspensionArgs = {
  input: LiftSuspensionInput;
};


export type MutationRefreshAnalysisArgs = {
  input: RefreshAnalysisInput;
};


export type MutationRejectArgs = {
  input: RejectInput;
};


export type MutationRetryStepArgs = {
  input: RetryStepInput;
};


export type MutationSuspendAccountArgs = {
  input: SuspendAccountInput;
};

export type Node = Account | AccountDay | Run;

/** There is no such thing that you may see. */
export type NotFound = UserError & {
  __typename?: 'NotFound';
  code: Scalars['String']['output'];
  message: Scalars['String']['output'];
};

/** Where a page begins and ends. */
export type PageInfo = {
  __typename?: 'PageInfo';
  endCursor?: Maybe<Scalars['String']['output']>;
  hasNextPage: Scalars['Boolean']['output'];
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

/** A proposal. What is approved is exactly this content, named by its hash. */
export type Proposal = {
  __typename?: 'Proposal';
  after: Measures;
  before: Measures;
  /** Improvement over trading nothing, basis points of the account's value. */
  benefitBps: Scalars['Decimal']['output'];
  /** Dollars of spread and commission. */
  cost: Scalars['Decimal']['output'];
  /** Certified distance to the best possible trades, basis points. */
  gapBps: Scalars['Decimal']['output'];
  hash: Scalars['String']['output'];
  id: Scalars['ID']['output'];
  inputHash: Scalars['String']['output'];
  /** Net, dollars; negative for a loss. */
  longTermGain: Scalars['Decimal']['output'];
  /** What clashes, when the outcome is CONFLICT or SOLVER_FAILED. */
  note: Scalars['String']['output'];
  outcome: Scalars['String']['output'];
  proposedAt: Scalars['DateTime']['output'];
  proposedBy: Actor;
  /** Benefit over tax paid and cost. */
  score: Scalars['Decimal']['output'];
  /** Net, dollars; negative for a loss. */
  shortTermGain: Scalars['Decimal']['output'];
  /** Dollars at the account's rates; negative is tax saved. */
  tax: Scalars['Decimal']['output'];
  tradeCount: Scalars['Int']['output'];
  /** Dollars bought plus dollars sold. */
  tradedValue: Scalars['Decimal']['output'];
  trades: Array<Trade>;
  /** One-way, fraction of the account's value. */
  turnover: Scalars['Decimal']['output'];
  version: Scalars['Int']['output'];
  whyNots: Array<WhyNot>;
};

export type Query = {
  __typename?: 'Query';
  /** One account; null when there is none that you may see. */
  account?: Maybe<Account>;
  /** One account-day; null when there is none that you may see. */
  accountDay?: Maybe<AccountDay>;
  /** Account-days, newest business date first. */
  accountDays?: Maybe<AccountDayConnection>;
  /** Alerts, newest business date first. */
  alerts?: Maybe<AlertConnection>;
  /** Steps that are blocked now, of the stages that you may retry. */
  blockedSteps?: Maybe<BlockedStepConnection>;
  /** The files of a business date, in the order of their arrival. */
  deliveries?: Maybe<Array<Delivery>>;
  /** An account, account-day or run by its id; null for anything else. */
  node?: Maybe<Node>;
  /** Account-days that wait for a decision, with their reasons. */
  reviewQueue?: Maybe<AccountDayConnection>;
  /** The run of a business date; of the newest without one. */
  run?: Maybe<Run>;
  /** Runs, newest business date first. */
  runs?: Maybe<RunConnection>;
  /** Suspensions, newest first; those of the whole firm among them. */
  suspensions?: Maybe<SuspensionConnection>;
  /** Recompute the account's hash chain; null when you may not see it. */
  verifyRecords?: Maybe<RecordVerification>;
  /** The person who is signed in. */
  viewer?: Maybe<Viewer>;
};


export type QueryAccountArgs = {
  id: Scalars['ID']['input'];
};


export type QueryAccountDayArgs = {
  id: Scalars['ID']['input'];
};


export type QueryAccountDaysArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<AccountDayFilter>;
  first?: Scalars['Int']['input'];
};


export type QueryAlertsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
  unacknowledged?: Scalars['Boolean']['input'];
};


export type QueryBlockedStepsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
};


export type QueryDeliveriesArgs = {
  businessDate: Scalars['Date']['input'];
};


export type QueryNodeArgs = {
  id: Scalars['ID']['input'];
};


export type QueryReviewQueueArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  businessDate?: InputMaybe<Scalars['Date']['input']>;
  first?: Scalars['Int']['input'];
  lane?: InputMaybe<Lane>;
};


export type QueryRunArgs = {
  businessDate?: InputMaybe<Scalars['Date']['input']>;
};


export type QueryRunsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
};


export type QuerySuspensionsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
  openOnly?: Scalars['Boolean']['input'];
};


export type QueryVerifyRecordsArgs = {
  accountId: Scalars['ID']['input'];
};

/** Why a trade is proposed. */
export type Reason = {
  __typename?: 'Reason';
  code: Scalars['String']['output'];
  sentence: Scalars['String']['output'];
};

/** Whose reason it is; decides who may lift it. */
export type ReasonKind =
  | 'ADVISOR'
  | 'COMPLIANCE'
  | 'DATA';

/** An entry of the account's record: a link of its hash chain. */
export type RecordEntry = {
  __typename?: 'RecordEntry';
  actor: Scalars['String']['output'];
  body: Scalars['JSON']['output'];
  bodyHash: Scalars['String']['output'];
  hash: Scalars['String']['output'];
  kind: Scalars['String']['output'];
  previousHash: Scalars['String']['output'];
  recordedAt: Scalars['DateTime']['output'];
  seq: Scalars['Int']['output'];
};

/** The first entry that does not verify, and why. */
export type RecordFault = {
  __typename?: 'RecordFault';
  reason: Scalars['String']['output'];
  seq: Scalars['Int']['output'];
};

/** The account's hash chain, computed anew from its entries. */
export type RecordVerification = {
  __typename?: 'RecordVerification';
  accountId: Scalars['String']['output'];
  fault?: Maybe<RecordFault>;
  intact: Scalars['Boolean']['output'];
  /** How many entries verify, from the first on. */
  verified: Scalars['Int']['output'];
};

export type RefreshAnalysisInput = {
  accountDayId: Scalars['ID']['input'];
  idempotencyKey: Scalars['String']['input'];
  reason?: Scalars['String']['input'];
};

export type RejectInput = {
  accountDayId: Scalars['ID']['input'];
  idempotencyKey: Scalars['String']['input'];
  proposalHash: Scalars['String']['input'];
  reason: Scalars['String']['input'];
  version: Scalars['Int']['input'];
};

/** Name the account-day, or the stage for all that are blocked in it. */
export type RetryStepInput = {
  accountDayId?: InputMaybe<Scalars['ID']['input']>;
  businessDate?: InputMaybe<Scalars['Date']['input']>;
  idempotencyKey: Scalars['String']['input'];
  reason?: Scalars['String']['input'];
  stage?: InputMaybe<Place>;
};

export type RetryStepResult = Forbidden | IdempotencyKeyReused | InvalidInput | NotFound | StepsRetried;

/** One business day. Counts are of the accounts that you may see. */
export type Run = {
  __typename?: 'Run';
  /** The session before; null when the day is no session. */
  asOf?: Maybe<Scalars['Date']['output']>;
  businessDate: Scalars['Date']['output'];
  clockMode: Scalars['String']['output'];
  deliveries: Array<Delivery>;
  id: Scalars['ID']['output'];
  lanes: Array<Count>;
  marketEvents: Array<MarketEvent>;
  /** Where the accounts that are still open stand. */
  openPlaces: Array<Count>;
  openedAt: Scalars['DateTime']['output'];
  /** How many accounts ended as what; those still open are not in it. */
  outcomes: Array<Count>;
  phase: Scalars['String']['output'];
  /** Phase to seconds. */
  phaseSeconds: Scalars['JSON']['output'];
  roster: Scalars['Int']['output'];
  status: Scalars['String']['output'];
};

export type RunConnection = {
  __typename?: 'RunConnection';
  edges: Array<RunEdge>;
  pageInfo: PageInfo;
};

export type RunEdge = {
  __typename?: 'RunEdge';
  cursor: Scalars['String']['output'];
  node: Run;
};

export type Security = {
  __typename?: 'Security';
  id: Scalars['String']['output'];
  name: Scalars['String']['output'];
  symbol?: Maybe<Scalars['String']['output']>;
};

export type SecurityRestriction = {
  __typename?: 'SecurityRestriction';
  kind: Scalars['String']['output'];
  reason: Scalars['String']['output'];
  securityId: Scalars['String']['output'];
};

/** The frozen inputs of the account's analysis. */
export type Snapshot = {
  __typename?: 'Snapshot';
  /** The session whose holdings and closes these are. */
  asOf: Scalars['Date']['output'];
  cashSettled: Scalars['Decimal']['output'];
  cashUnsettled: Scalars['Decimal']['output'];
  /** Securities that must not trade today, with the reason's code. */
  frozen: Scalars['JSON']['output'];
  hash: Scalars['String']['output'];
  lots: Array<HeldLot>;
  positions: Array<HeldPosition>;
  registration: Scalars['String']['output'];
  settings: HeldSettings;
  /** Wash keys that must not be bought: open windows after sales at a loss. */
  washWindows: Array<Scalars['String']['output']>;
};

/** One pass of a stage. */
export type StagePass = {
  __typename?: 'StagePass';
  at: Scalars['DateTime']['output'];
  code: Scalars['String']['output'];
  inputHash: Scalars['String']['output'];
  lane?: Maybe<Scalars['String']['output']>;
  reason: Scalars['String']['output'];
  /** Where the account's record tells of it. */
  recordSeq: Scalars['Int']['output'];
  stage: Scalars['String']['output'];
  terminalState?: Maybe<Scalars['String']['output']>;
  /** The place after it; null after the record stage. */
  wentTo?: Maybe<Scalars['String']['output']>;
};

export type StepsRetried = {
  __typename?: 'StepsRetried';
  /** How many blocked steps are tried again. */
  steps: Scalars['Int']['output'];
};

export type Subscription = {
  __typename?: 'Subscription';
  /** Every event that you may see, in order. Without `after`, from now on. */
  lifecycleEvents: LifecycleDelivery;
};


export type SubscriptionLifecycleEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
};

export type SuspendAccountInput = {
  accountId: Scalars['ID']['input'];
  idempotencyKey: Scalars['String']['input'];
  /** Compliance and data managers may give their own kind; others suspend as ADVISOR. */
  kind?: InputMaybe<ReasonKind>;
  reason: Scalars['String']['input'];
};

export type SuspendAccountResult = AccountSuspended | Forbidden | IdempotencyKeyReused | InvalidInput | NotFound;

/** Why an account, or the whole firm, must not trade. */
export type Suspension = {
  __typename?: 'Suspension';
  /** What has to happen, in words. */
  clearedBy: Scalars['String']['output'];
  code: Scalars['String']['output'];
  id: Scalars['ID']['output'];
  /** DATA, COMPLIANCE, ADVISOR or STANDING: decides who may lift it. */
  kind: Scalars['String']['output'];
  liftReason?: Maybe<Scalars['String']['output']>;
  liftedBy?: Maybe<Actor>;
  liftedOn?: Maybe<Scalars['Date']['output']>;
  mayBeLiftedBy: Array<Scalars['String']['output']>;
  openedBy: Actor;
  reason: Scalars['String']['output'];
  scope: Scalars['String']['output'];
  scopeId: Scalars['String']['output'];
  since: Scalars['Date']['output'];
};

export type SuspensionConnection = {
  __typename?: 'SuspensionConnection';
  edges: Array<SuspensionEdge>;
  pageInfo: PageInfo;
};

export type SuspensionEdge = {
  __typename?: 'SuspensionEdge';
  cursor: Scalars['String']['output'];
  node: Suspension;
};

/** The suspension is over. Accounts that waited for it go on. */
export type SuspensionLifted = {
  __typename?: 'SuspensionLifted';
  lifecyclesTold: Scalars['Int']['output'];
  suspensionId: Scalars['ID']['output'];
};

/** How an account's day ended. */
export type TerminalState =
  | 'EXPIRED'
  | 'HELD'
  | 'NO_TRADE'
  | 'REJECTED'
  | 'SUSPENDED'
  | 'TRADED';

/** One leg. Quantity is positive for buys and sells; price is the close that was used. */
export type Trade = {
  __typename?: 'Trade';
  lotSales: Array<LotSale>;
  notional: Scalars['Decimal']['output'];
  price: Scalars['Decimal']['output'];
  quantity: Scalars['Decimal']['output'];
  reasons: Array<Reason>;
  /** Null when the security master does not have it any more. */
  security?: Maybe<Security>;
  securityId: Scalars['String']['output'];
  side: Scalars['String']['output'];
};

/** Why nothing was done: `code` is stable, the message says what to do. */
export type UserError = {
  code: Scalars['String']['output'];
  message: Scalars['String']['output'];
};

/** The person who is signed in, and what they are. */
export type Viewer = {
  __typename?: 'Viewer';
  /** The advisor whose accounts are this person's own. */
  book?: Maybe<Scalars['String']['output']>;
  firmId: Scalars['String']['output'];
  /** The person whom an administrator represents now. */
  onBehalfOf?: Maybe<Actor>;
  person: Actor;
  roles: Array<Scalars['String']['output']>;
};

/** Why a trade that drift or a loss suggests is not proposed. */
export type WhyNot = {
  __typename?: 'WhyNot';
  code: Scalars['String']['output'];
  securityId: Scalars['String']['output'];
  sentence: Scalars['String']['output'];
};

export type LifecycleEventsSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type LifecycleEventsSubscription = { lifecycleEvents:
    | { __typename: 'EventGap', after: string, cursor: string }
    | { __typename: 'LifecycleEvent', cursor: string, kind: string, businessDate: string | null, accountId: string | null, accountDayId: string | null, recordedAt: string }
   };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { firmId: string, roles: Array<string>, book: string | null, person: { id: string, name: string }, onBehalfOf: { id: string, name: string } | null } | null };


export const LifecycleEventsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"LifecycleEvents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"lifecycleEvents"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"LifecycleEvent"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"kind"}},{"kind":"Field","name":{"kind":"Name","value":"businessDate"}},{"kind":"Field","name":{"kind":"Name","value":"accountId"}},{"kind":"Field","name":{"kind":"Name","value":"accountDayId"}},{"kind":"Field","name":{"kind":"Name","value":"recordedAt"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"EventGap"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"after"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}}]}}]}}]}}]} as unknown as DocumentNode<LifecycleEventsSubscription, LifecycleEventsSubscriptionVariables>;
export const ViewerDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Viewer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"viewer"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"firmId"}},{"kind":"Field","name":{"kind":"Name","value":"roles"}},{"kind":"Field","name":{"kind":"Name","value":"book"}},{"kind":"Field","name":{"kind":"Name","value":"person"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}},{"kind":"Field","name":{"kind":"Name","value":"onBehalfOf"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]}}]} as unknown as DocumentNode<ViewerQuery, ViewerQueryVariables>;