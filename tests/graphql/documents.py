"""The documents that the dashboard and the demo send."""

DECISION = """
  __typename
  ... on DecisionAccepted { decisionId furtherApprovals accountDay { id stage version } }
  ... on DecisionRefused { code message decisionId accountDay { id stage version proposalHash } }
  ... on UserError { code message }
"""

APPROVE = f"mutation Approve($input: ApproveInput!) {{ approve(input: $input) {{ {DECISION} }} }}"
REJECT = f"mutation Reject($input: RejectInput!) {{ reject(input: $input) {{ {DECISION} }} }}"
CLEAR = f"mutation Clear($input: ClearComplianceInput!) {{ clearCompliance(input: $input) {{ {DECISION} }} }}"
REFRESH = f"mutation Refresh($input: RefreshAnalysisInput!) {{ refreshAnalysis(input: $input) {{ {DECISION} }} }}"

QUEUE = """
query Queue($first: Int!, $after: String) {
  reviewQueue(first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges { node {
      id accountId stage lane version proposalHash waitingReason
      filtering { filterKey matched reason }
      proposal { hash tradeCount tradedValue tax turnover benefitBps proposedBy { id name } }
      decisions { kind status refusal actor { id name } }
      openSuspensions { code reason }
    } }
  }
}
"""

HISTORY = """
query History($id: ID!, $first: Int!) {
  account(id: $id) {
    accountId advisorId
    history(first: $first) {
      edges { node {
        id businessDate stage lane terminalState terminalCode
        stages { stage wentTo lane code reason inputHash recordSeq }
        snapshot { hash asOf cashSettled positions { securityId quantity marketValue } lots { lotId cost }
          settings { tracking shortTermRate cashTarget restrictions { kind } } }
        proposal { hash outcome
          trades { securityId side quantity price notional security { symbol }
            lotSales { lotId gain term } reasons { code sentence } }
          whyNots { securityId code sentence } before { maxDrift } after { trackingError } }
        decisions { kind status refusal reason decidedAt actor { id name } actorRoles envelope }
        intents { securityId side quantity status
          block { clientOrderId status averagePrice executions { execId quantity price } }
          allocations { quantity price notional } }
        records { seq kind hash previousHash actor recordedAt body }
      } }
    }
  }
}
"""

SUSPEND = """
mutation Suspend($input: SuspendAccountInput!) {
  suspendAccount(input: $input) {
    __typename
    ... on AccountSuspended { suspensionId accountId alreadyOpen }
    ... on UserError { code message }
  }
}
"""

LIFT = """
mutation Lift($input: LiftSuspensionInput!) {
  liftSuspension(input: $input) {
    __typename
    ... on SuspensionLifted { suspensionId lifecyclesTold }
    ... on UserError { code message }
  }
}
"""

RETRY = """
mutation Retry($input: RetryStepInput!) {
  retryStep(input: $input) { __typename ... on StepsRetried { steps } ... on UserError { code message } }
}
"""

ACKNOWLEDGE = """
mutation Acknowledge($input: AcknowledgeAlertInput!) {
  acknowledgeAlert(input: $input) {
    __typename
    ... on AlertAcknowledged { alertId acknowledgedBy }
    ... on UserError { code message }
  }
}
"""

RUN = """
query Day($on: Date) {
  run(businessDate: $on) {
    businessDate asOf status phase phaseSeconds roster
    outcomes { name accounts } openPlaces { name accounts } lanes { name accounts }
    deliveries { kind fileName status reasonCodes }
    marketEvents { kind at publishedAt }
  }
}
"""

EVENTS = """
subscription Events($after: String) {
  lifecycleEvents(after: $after) {
    __typename
    ... on LifecycleEvent { cursor previous kind accountId accountDayId businessDate body }
    ... on EventGap { after cursor }
  }
}
"""
