"""Units of work done by Ray's workers: the same units, the same bytes; see `medground_bench.runs.ray_workers`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from typing import cast

from builder.editors import Editor
from builder.engines import Done, Outcome, UnitAttempts, UnitFailure
from builder.units import EditUnit, Maker, Unit, full_name
from medground_bench import lvlms
from medground_bench.lvlms import Lvlm, LvlmDescription
from medground_bench.runs.code_version import lvlm_code
from medground_bench.runs.ray_cluster import ONE_HERE, Cluster, RayTrouble
from medground_bench.runs.ray_workers import Killed, Opening, RayWorkers, RemoteLvlm


@dataclass(slots=True)
class UnitWork:
    """What a worker does: edits when there is an editor, else responses of its LVLM."""

    lvlm: Lvlm
    attempts: UnitAttempts = field(default_factory=UnitAttempts)
    editors: dict[str, Editor] = field(default_factory=dict)

    def __call__(self, units: Sequence[Unit], editor: Editor | None) -> Done:
        """A batch of one kind."""
        return self.attempts(units, self.lvlm if editor is None else self._own(editor))

    def _own(self, editor: Editor) -> Editor:
        """The editor made anew of this machine's code, libraries and weights, and kept for what it has loaded.

        RayTrouble where these make it another version: its edits would be kept under a key that is not theirs.
        """
        name = full_name(editor)
        if name not in self.editors:
            own = replace(editor) if is_dataclass(editor) and not isinstance(editor, type) else editor
            if own.version != editor.version:
                raise RayTrouble(
                    f"the workers have another version of the editor {editor.name} than this machine: other code, "
                    "libraries or weights. Make them the same everywhere."
                )
            self.editors[name] = own
        return self.editors[name]


class RayEngine:
    """See `UnitEngine`; the settings are those of `RayWorkers`."""

    def __init__(self, cluster: Cluster = ONE_HERE, *, opening: Opening = lvlms.open_lvlm) -> None:
        self._workers: RayWorkers[Unit, Editor | None, Done] = RayWorkers(
            UnitWork, lvlm_code, cluster, opening=opening
        )
        self.room = self._workers.room

    def open(self, location: str, *, newest: bool = False) -> LvlmDescription:
        """See `UnitEngine`. RayTrouble for an LVLM behind a server."""
        return self._workers.open(location, newest=newest)

    def start(self, ticket: int, units: Sequence[Unit], by: Maker) -> None:
        """See `UnitEngine`."""
        if isinstance(by, RemoteLvlm) and self._workers.lvlm != by:
            self._workers.open(by.location, newest=by.newest)
        self._workers.start(ticket, units, cast(Editor, by) if isinstance(units[0], EditUnit) else None)

    def finish(self) -> tuple[int, Done]:
        """See `UnitEngine`."""
        finished, outcomes, halvings, seconds = self._workers.finish(), list[Outcome](), 0, 0.0
        for _, result in finished.parts:
            if isinstance(result, Killed):
                outcomes.append(UnitFailure(f"{result.said}\n"))
            else:
                outcomes += result.outcomes
                halvings += result.halvings
                seconds += result.seconds
        return finished.ticket, Done(tuple(outcomes), halvings, seconds)

    def close(self) -> None:
        """See `UnitEngine`."""
        self._workers.close()
