"""The queue on the hub: its three lists, and moving a request from one to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.access.applicants import Applicant, Status
from builder.access.rulings import Decision
from medground_bench.storage.hub_calls import HubCalls, HubRefused

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import AccessRequest

NOT_SO, NOT_THERE = 400, 404
"""How the hub answers where a request cannot go to that list: it is there already, gone, or its person is."""


@dataclass(frozen=True)
class AccessQueue:
    """The requests for access to a gated dataset, `org/name`."""

    calls: HubCalls
    dataset: str

    def maintainer(self) -> str:
        """Whose token decides."""
        return str(self.calls.asked("ask whose token this is", lambda api: api.whoami())["name"])

    def listed(self, *statuses: Status) -> list[Applicant]:
        """The requests in these lists, oldest first."""
        found = [applicant for status in statuses for applicant in self._list(status)]
        return sorted(found, key=lambda each: (each.date, each.name))

    def _list(self, status: Status) -> Sequence[Applicant]:
        def ask(api: HfApi) -> list[Applicant]:
            lists = {
                Status.PENDING: api.list_pending_access_requests,
                Status.ACCEPTED: api.list_accepted_access_requests,
                Status.REJECTED: api.list_rejected_access_requests,
            }
            rows = lists[status](self.dataset, repo_type="dataset")
            try:
                return [_applicant(row, status) for row in rows]
            except KeyError as error:
                raise HubRefused(
                    f"{self.dataset} hides user names, and this version of the hub's client cannot read such a list. "
                    "Install a newer one: pip install 'huggingface-hub>=2'."
                ) from error

        return self.calls.asked(f"list who asks for access to {self.dataset}", ask)

    def decide(self, applicant: Applicant, decision: Decision, reason: str) -> bool:
        """Move a request; False where the hub answers that it cannot go there."""
        from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

        def ask(api: HfApi) -> bool:
            try:
                _move(api, self.dataset, applicant, decision, reason)
            except RepositoryNotFoundError:
                raise
            except HfHubHTTPError as error:
                if error.response.status_code in (NOT_SO, NOT_THERE):
                    return False
                raise
            return True

        return self.calls.asked(f"{decision} a request for access to {self.dataset}", ask)


def _move(api: HfApi, dataset: str, applicant: Applicant, decision: Decision, reason: str) -> None:
    """One call. Where user names are hidden the id of the request is all there is."""
    hidden = {} if applicant.user else {"request_id": applicant.request}
    if decision is Decision.APPROVE:
        api.accept_access_request(dataset, applicant.user, repo_type="dataset", **hidden)
    else:
        api.reject_access_request(
            dataset, applicant.user, repo_type="dataset", rejection_reason=reason, **hidden
        )


def _applicant(row: AccessRequest, status: Status) -> Applicant:
    return Applicant(
        request=getattr(row, "request_id", ""),  # that client 1 has not
        user=row.username,
        status=status,
        date=row.timestamp,
        full_name=row.fullname,
        email=row.email,
        fields=dict(row.fields or {}),
    )
