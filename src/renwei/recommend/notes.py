"""What there is to know beside an answer that is whole: nothing failed, but somebody should look."""

from __future__ import annotations

from collections.abc import Iterator

from renwei.core.shop import Shop
from renwei.recommend.answers import Note, RecommendRequest
from renwei.recommend.surfaces import Place
from renwei.recommend.voices import OF_PAGE, Scene

FEW_BUYERS = 1
"""Of an item that so few bought nothing is known but what is written about it."""


def notes(shop: Shop, request: RecommendRequest, place: Place, scene: Scene) -> list[Note]:
    """Each with a sentence in the language of the shop."""
    return [
        Note(code=code, text=shop.say(f"recommend.note.{code}", name=name))
        for code, name in _found(request, place, scene)
    ]


def _found(request: RecommendRequest, place: Place, scene: Scene) -> Iterator[tuple[str, str]]:
    goods = scene.goods
    if goods.n_offered == 1:
        yield "one_item", ""
    if len(place.kinds) > 1:
        for kind in place.kinds:
            if goods.words.get(f"kind|{kind}", -1) not in scene.open.kinds:
                yield "kind_empty", kind
    asked = request.item_id or request.context.item_id
    if asked and goods.row_of(asked) < 0:
        yield "unknown_item", asked[:100]
    elif asked and place.mode in OF_PAGE and scene.item:
        (buyers,) = scene.tables.column("buyers", [scene.item], 0.0).tolist()
        if buyers <= FEW_BUYERS:
            yield "still_new", goods.items[goods.row_of(asked)].title or asked
