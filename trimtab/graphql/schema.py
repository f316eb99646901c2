"""The schema: one line per subject."""

from collections.abc import Iterator
from typing import Any

import strawberry
import structlog
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from trimtab.graphql.accounts.query import AccountsQuery
from trimtab.graphql.alerts.mutation import AlertsMutation
from trimtab.graphql.alerts.query import AlertsQuery
from trimtab.graphql.analysis.mutation import AnalysisMutation
from trimtab.graphql.ancillary.mutation import AncillaryMutation
from trimtab.graphql.ancillary.query import AncillaryQuery
from trimtab.graphql.data.mutation import DataMutation
from trimtab.graphql.data.query import DataQuery
from trimtab.graphql.errors import MASKED, is_shown
from trimtab.graphql.events.subscriptions import Subscription
from trimtab.graphql.filters.mutation import FiltersMutation
from trimtab.graphql.filters.policy_query import LanePolicyQuery
from trimtab.graphql.filters.query import FiltersQuery
from trimtab.graphql.filters.routine_query import FilterRoutineQuery
from trimtab.graphql.hub.mutation import HubMutation
from trimtab.graphql.hub.query import HubQuery
from trimtab.graphql.limits import limit_extensions
from trimtab.graphql.nodes import NodesQuery
from trimtab.graphql.programme.firm_diff import FirmDiffQuery
from trimtab.graphql.programme.mutation import ProgrammeMutation
from trimtab.graphql.programme.query import ProgrammeQuery
from trimtab.graphql.records.query import RecordsQuery
from trimtab.graphql.reviews.mutation import ReviewsMutation
from trimtab.graphql.reviews.query import ReviewsQuery
from trimtab.graphql.runs.mutation import RunsMutation
from trimtab.graphql.runs.query import RunsQuery
from trimtab.graphql.scalars import SCALARS
from trimtab.graphql.settings.bulk_query import BulkChangesQuery
from trimtab.graphql.settings.mutation import SettingsMutation
from trimtab.graphql.settings.query import SettingsQuery
from trimtab.graphql.shadow.mutation import ShadowMutation
from trimtab.graphql.steps.mutation import StepsMutation
from trimtab.graphql.steps.query import StepsQuery
from trimtab.graphql.suspensions.mutation import SuspensionsMutation
from trimtab.graphql.suspensions.query import SuspensionsQuery
from trimtab.graphql.viewer.query import ViewerQuery

log = structlog.get_logger(__name__)


@strawberry.type
class Query(
    ViewerQuery,
    RunsQuery,
    AccountsQuery,
    ReviewsQuery,
    SuspensionsQuery,
    AlertsQuery,
    StepsQuery,
    RecordsQuery,
    ProgrammeQuery,
    FirmDiffQuery,
    FiltersQuery,
    FilterRoutineQuery,
    LanePolicyQuery,
    AncillaryQuery,
    SettingsQuery,
    BulkChangesQuery,
    DataQuery,
    HubQuery,
    NodesQuery,
):
    """Everything that can be read."""


@strawberry.type
class Mutation(
    ReviewsMutation,
    AnalysisMutation,
    SuspensionsMutation,
    StepsMutation,
    AlertsMutation,
    ProgrammeMutation,
    ShadowMutation,
    FiltersMutation,
    AncillaryMutation,
    SettingsMutation,
    DataMutation,
    HubMutation,
    RunsMutation,
):
    """Everything that can be done. Each takes an idempotency key: sent again, it gives the same answer."""


class TrimtabSchema(strawberry.Schema):
    """Logs faults with all that is known; the client gets none of it."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        name = execution_context.operation_name if execution_context is not None else None
        for error in errors:
            if not is_shown(error):
                log.error("resolver_failed", path=error.path, operation=name, exc_info=error.original_error)


class MaskedErrors(SchemaExtension):
    """Replaces the text of every fault that is not meant for the client, on answers and on each streamed result."""

    def on_operation(self) -> Iterator[None]:
        yield
        self._mask(self.execution_context.result)

    def on_stream_result(self, result: Any) -> Iterator[None]:
        self._mask(result)
        yield None

    def _mask(self, result: Any) -> None:
        if getattr(result, "errors", None):
            result.errors = [error if is_shown(error) else _masked(error) for error in result.errors]


def _masked(error: GraphQLError) -> GraphQLError:
    return GraphQLError(MASKED, nodes=error.nodes, path=error.path, extensions={"code": "INTERNAL"})


def build_schema() -> strawberry.Schema:
    """The schema with its limits. Built once per process."""
    return TrimtabSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[MaskedErrors, *limit_extensions()],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )


def schema_text() -> str:
    """What schema.graphql holds: the published schema."""
    return build_schema().as_str() + "\n"
