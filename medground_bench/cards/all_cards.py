"""Every card of the library by its place in the folder of the cards."""

from __future__ import annotations

from pathlib import Path

from medground_bench.cards import film_unet, lvlms, unet, view
from medground_bench.cards.methods import method_cards
from medground_bench.cards.paper_lvlms import paper_lvlm_cards
from medground_bench.cards.records import Records


def all_cards(records: Records) -> dict[Path, str]:
    """Place -> text; what an examination found is taken from where it was kept."""
    embedded = {Path(f"{name}.md"): lvlms.card_of(name, records.own) for name in lvlms.Embedded}
    return {
        **paper_lvlm_cards(records),
        **embedded,
        Path(f"{unet.NAME}.md"): unet.kept_card(),
        Path(f"{film_unet.NAME}.md"): film_unet.kept_card(),
        Path(f"{view.NAME}.md"): view.kept_card(),
        **method_cards(records),
    }
