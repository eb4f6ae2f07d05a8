"""What becomes of a Space after a push: the hub builds and starts it, which takes minutes."""

from __future__ import annotations

from builder.publish.shipment import Shipment
from medground_bench.core.errors import MedgroundError
from medground_bench.storage.hub_calls import HubCalls

LOOK_EVERY_S = 10.0
LONGEST_S = 900.0
FAILED = ("NO_APP_FILE", "CONFIG_ERROR", "BUILD_ERROR", "RUNTIME_ERROR", "DELETING")
IDLE = ("STOPPED", "PAUSED", "SLEEPING")


class SpaceFailed(MedgroundError):
    """A Space that was pushed whole, and does not run."""


def stage_reached(shipment: Shipment, commit: str, calls: HubCalls) -> str:
    """A sentence on whether the Space runs at this commit, waited for within a bounded time; SpaceFailed where not."""
    stage = ""
    for _look in range(int(LONGEST_S / LOOK_EVERY_S)):
        runtime = calls.asked(
            f"ask how {shipment.name} does", lambda api: api.get_space_runtime(shipment.name)
        )
        stage, is_ours = str(runtime.stage), runtime.raw.get("sha", commit) == commit
        if stage in FAILED:
            raise SpaceFailed(
                f"{shipment.name} was pushed and read back, but the hub says {stage}. Its page shows the log: "
                f"{shipment.page}?logs=container"
            )
        if is_ours and stage in ("RUNNING", *IDLE):
            return f"the Space is {stage} at {shipment.page}"
        calls.wait(LOOK_EVERY_S)
    return f"the Space is still {stage} after {LONGEST_S / 60:.0f} minutes; see {shipment.page}"
