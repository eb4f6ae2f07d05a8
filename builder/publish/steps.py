"""The steps plan, push and read back, again from the plan on where another commit comes first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from builder.publish.plan import PushPlan, plan_of
from builder.publish.push import push
from builder.publish.read_back import read_back
from builder.publish.shipment import Remote, Shipment, look
from medground_bench.core.errors import MedgroundError
from medground_bench.storage.hub_calls import HubCalls, Kind, Moved

MOST_TRIES = 50
"""Each time another commit came first, somebody has got on."""

log = logging.getLogger(__name__)


class Conflict(MedgroundError):
    """Two who change the same file at once."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was pushed, and the commit that the repository has now."""

    plan: PushPlan
    commit: str


def planned(calls: HubCalls, kind: Kind, name: str, prepare: Callable[[Remote], Shipment]) -> PushPlan:
    """What pushing would change now.

    prepare  makes the shipment, knowing what the repository holds
    """
    remote = look(calls, kind, name)
    return plan_of(prepare(remote), remote)


def published(plan: PushPlan, calls: HubCalls, prepare: Callable[[Remote], Shipment]) -> Published:
    """Push what was agreed to, and read it back; planned again where another commit came first.

    Conflict where that other commit changed a file that is changed here too.
    """
    shipment, agreed = plan.shipment, plan
    for _try in range(MOST_TRIES):
        try:
            commit = push(plan, calls)
            break
        except Moved as moved:
            log.warning("%s", moved)
            calls.wait(0)
            plan = planned(calls, shipment.kind, shipment.name, prepare)
            _demand_no_conflict(agreed, plan)
    else:
        raise Moved(
            f"{shipment.name} has got {MOST_TRIES} other commits meanwhile. Run the same command again."
        )
    read_back(plan.shipment, commit, calls)
    return Published(plan, commit)


def _demand_no_conflict(agreed: PushPlan, now: PushPlan) -> None:
    before, after = agreed.remote.own, now.remote.own
    for file in now.changes:
        moved = before.get(file.name) != after.get(file.name)
        if moved and file.name not in now.shipment.made_of_the_rest:
            raise Conflict(
                f"{file.name} of {now.shipment.name} was changed by somebody else meanwhile, to something else than "
                "yours. Nothing of theirs was overwritten. Look at it together, then run the same command again."
            )
