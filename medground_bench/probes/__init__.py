"""What boxes and maps are worth beyond their overlap with the expert's: removal, order, pointing, protocol, weights."""

from enum import StrEnum


class ProbeKind(StrEnum):
    """The probes; docs/probes.md says what the numbers of each mean."""

    REMOVAL = "removal"
    INSERTION = "insertion"
    RANDOMISATION = "randomisation"
    KNOWN_CAUSE = "known_cause"
    PROTOCOL = "protocol"
    POINTING = "pointing"
    ALL = "all"
