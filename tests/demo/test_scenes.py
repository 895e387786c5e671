"""Drawn scenes: the same for the same seed, and what is said of them is true of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from demo.captions import caption_of, encode_claims, encode_facts, truth_matrix, understand
from demo.documents import DOCUMENTS
from demo.drawing import COLOURS, KINDS
from demo.scenes import Group, Scene, altered, as_array, draw_scene, random_scene, where

SIZE = (256, 144)


def holds(words: str, scene: Scene, seed: int = 3) -> bool:
    picture = draw_scene(scene, SIZE, seed)
    return bool(truth_matrix([encode_claims(understand(words))], [encode_facts(picture)])[0, 0])


def test_a_seed_decides_scene_picture_and_caption() -> None:
    def made(seed: int) -> tuple[bytes, str]:
        rng = random.Random(seed)
        picture = draw_scene(random_scene(rng), SIZE, seed)
        return as_array(picture.image).tobytes(), caption_of(picture, rng).text

    assert [made(seed) for seed in range(30)] == [made(seed) for seed in range(30)]
    assert len({made(seed)[0] for seed in range(30)}) == 30


def test_what_was_asked_for_is_drawn_inside_the_picture() -> None:
    rng = random.Random(1)
    for number in range(200):
        scene = random_scene(rng)
        picture = draw_scene(scene, SIZE, number)
        assert len(picture.items) == sum(group.count for group in scene.groups)
        for item in picture.items:
            left, top, right, bottom = item.box
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
        boxes = [item.box for item in picture.items]
        for index, one in enumerate(boxes):
            for other in boxes[:index]:
                assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_has_its_colour_where_its_box_is(kind: str) -> None:
    picture = draw_scene(Scene((Group(kind, "red", 1, "left"),), "light blue"), (640, 360), 5)
    pixels = as_array(picture.image).astype(int)
    red = (pixels[..., 0] > 170) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90)
    rows, columns = np.nonzero(red)
    left, top, right, bottom = picture.items[0].box
    assert columns.min() >= left * 640 - 2
    assert columns.max() <= right * 640 + 2
    assert rows.min() >= top * 360 - 2
    assert rows.max() <= bottom * 360 + 2
    assert red.sum() > 0.08 * (right - left) * (bottom - top) * 640 * 360


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents_are_pictures_without_objects(kind: str) -> None:
    picture = draw_scene(Scene((), document=kind), SIZE, 2)
    assert picture.items == ()
    assert len(np.unique(as_array(picture.image).reshape(-1, 3), axis=0)) > 3
    assert [fact.kind for fact in picture.facts()] == [kind]


def test_a_caption_is_true_of_its_own_picture() -> None:
    rng = random.Random(4)
    pictures = [draw_scene(random_scene(rng), SIZE, number) for number in range(300)]
    claims = [encode_claims(caption_of(picture, rng)) for picture in pictures]
    matrix = truth_matrix(claims, [encode_facts(picture) for picture in pictures])
    assert matrix.diagonal().all()
    assert matrix.mean() < 0.1


def test_captions_tell_counts_colours_kinds_places_and_grounds_apart() -> None:
    scene = Scene((Group("circle", "red", 2, "left"), Group("star", "blue", 1, "right")), "white")
    for words in ("two red circles", "two circles on the left", "a blue star and two red circles", "some red circles"):
        assert holds(words, scene), words
    for words in (
        "three red circles",
        "a red circle",
        "two blue circles",
        "two red squares",
        "two red circles on the right",
    ):
        assert not holds(words, scene), words
    assert holds("two red circles on a white background", scene)
    assert not holds("two red circles on a black background", scene)


def test_colours_of_one_kind_are_counted_together_too() -> None:
    scene = Scene((Group("car", "red", 1), Group("car", "blue", 2)), "street")
    assert holds("three cars", scene)
    assert holds("a red car and two blue cars", scene)
    assert not holds("three red cars", scene)


def test_words_without_an_object_are_refused() -> None:
    with pytest.raises(ValueError, match="no kind of object"):
        understand("two red zeppelins")


def test_an_altered_scene_differs_in_one_group_or_two_exchange_what_they_are() -> None:
    rng = random.Random(6)
    exchanged = 0
    for _ in range(300):
        scene = random_scene(rng)
        other = altered(scene, rng)
        if scene.groups:
            changed = set(scene.groups) - set(other.groups)
            assert len(scene.groups) == len(other.groups)
            assert scene.ground == other.ground
            if len(changed) == 2:
                exchanged += 1
                assert sorted(group.colour for group in scene.groups) == sorted(group.colour for group in other.groups)
                assert sorted(group.count for group in scene.groups) == sorted(group.count for group in other.groups)
            else:
                assert len(changed) == 1
    assert exchanged > 10


def test_positions_are_told_from_where_all_objects_stand() -> None:
    assert where([(0.0, 0.4, 0.2, 0.6)]) == {"left"}
    assert where([(0.0, 0.0, 0.2, 0.2), (0.1, 0.1, 0.3, 0.3)]) == {"left", "top"}
    assert where([(0.0, 0.4, 0.2, 0.6), (0.8, 0.4, 1.0, 0.6)]) == frozenset()
    assert where([(0.4, 0.4, 0.6, 0.6)]) == {"centre"}


def test_colours_stand_out_from_every_ground() -> None:
    rng = random.Random(8)
    for _ in range(300):
        scene = random_scene(rng)
        for group in scene.groups:
            assert group.colour in COLOURS
            assert (group.colour, scene.ground) not in {("white", "white"), ("black", "black")}
