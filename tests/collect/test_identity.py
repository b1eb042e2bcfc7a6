from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.collect.identity import MANY, Known, Mention, Woven, weave
from renwei.collect.names import agree, is_placeholder, plain
from renwei.collect.records import Identifier

PHONE = Identifier("phone", "+8613912345670")
OTHER_PHONE = Identifier("phone", "+8613912345671")


def nick(name: str, platform: str = "taobao") -> Identifier:
    return Identifier("nick", f"{platform}:{name}")


def people(woven: Woven) -> list[set[Identifier]]:
    """The partition that the links make."""
    groups: dict[Identifier, set[Identifier]] = {one: {one} for one in woven.identifiers()}
    for link in woven.links:
        both = groups[link.kept] | groups[link.gone]
        for one in both:
            groups[one] = both
    return [set(group) for group in {id(g): g for g in groups.values()}.values()]


def together(woven: Woven, one: Identifier, other: Identifier) -> bool:
    return any({one, other} <= group for group in people(woven))


def test_an_account_is_primary_before_a_contact_and_email_before_phone() -> None:
    email = Identifier("email", "mei@example.com")
    woven = weave([Mention((PHONE, email, nick("mei"))), Mention((PHONE, email)), Mention(())], {})
    assert woven.primary == [nick("mei"), email, None]


def test_the_same_phone_with_the_same_name_makes_two_nicks_one_person() -> None:
    woven = weave(
        [Mention((nick("a"), PHONE), "张小美"), Mention((nick("b"), PHONE), "张小美")], {}
    )
    assert together(woven, nick("a"), nick("b"))
    assert {link.reason for link in woven.links} == {"same_order", "same_phone"}


def test_people_are_joined_across_platforms() -> None:
    shopify = Identifier("email", "mei@example.com")
    woven = weave([Mention((nick("a"), PHONE), "张小美"), Mention((shopify, PHONE), "张小美")], {})
    assert together(woven, nick("a"), shopify)


@pytest.mark.parametrize("second", ["张**", "", "张女士", " 张小美 "])
def test_a_masked_or_missing_name_does_not_keep_two_nicks_apart(second: str) -> None:
    woven = weave([Mention((nick("a"), PHONE), "张小美"), Mention((nick("b"), PHONE), second)], {})
    assert together(woven, nick("a"), nick("b"))


def test_a_family_phone_joins_nobody_and_is_reported() -> None:
    woven = weave(
        [
            Mention((nick("mother"), PHONE), "张小美"),
            Mention((nick("mother"), PHONE), "张小美"),
            Mention((nick("father"), PHONE), "李强"),
        ],
        {},
    )
    assert not together(woven, nick("mother"), nick("father"))
    assert woven.shared == {PHONE: 2}
    # It goes with the one who uses it most; the other keeps it as a text.
    assert together(woven, nick("mother"), PHONE)
    assert woven.loose == [(), (), (PHONE,)]


def test_a_phone_that_is_all_there_is_stays_one_buyer_and_its_names_are_reported() -> None:
    names = ["张小美", "张**", "李强", "", "张小美"]
    woven = weave([Mention((PHONE,), name) for name in names], {})
    assert set(woven.primary) == {PHONE}
    assert woven.links == []
    assert woven.shared == {PHONE: 2}


def test_a_masked_name_that_could_be_two_people_is_neither() -> None:
    woven = weave(
        [
            Mention((nick("a"), PHONE), "张小美"),
            Mention((nick("b"), PHONE), "张三丰"),
            Mention((nick("c"), PHONE), "张**"),
        ],
        {},
    )
    assert all(len({nick("a"), nick("b"), nick("c")} & group) == 1 for group in people(woven))


def test_a_gift_to_somebody_elses_phone_says_nothing_about_the_buyer() -> None:
    own = [Mention((nick("giver"), OTHER_PHONE), "张三")] * 3
    gift = Mention((nick("giver"), PHONE), "李四")
    receiver = Mention((nick("receiver"), PHONE), "李四")
    woven = weave([*own, gift, receiver], {})
    assert not together(woven, nick("giver"), nick("receiver"))
    assert together(woven, nick("receiver"), PHONE)
    assert woven.loose[3] == (PHONE,)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("phone", "+8613800138000"),
        ("phone", "00000000"),
        ("phone", "+8612345678901"),
        ("phone", "+8611111111111"),
        ("email", "test@test.com"),
        ("email", "noreply@shop.com"),
        ("customer", "uci:0"),
        ("nick", "taobao:匿名"),
    ],
)
def test_values_that_stand_for_nobody_identify_nobody(kind: str, value: str) -> None:
    one = Identifier(kind, value)  # type: ignore[arg-type]
    woven = weave([Mention((one,), "张小美"), Mention((one, nick("a")), "李四")], {})
    assert woven.primary == [None, nick("a")]
    assert woven.placeholders == {one: 2}
    assert woven.links == []


@pytest.mark.parametrize("value", ["+8613912345678", "+8613888888888", "+447911123456"])
def test_numbers_that_people_have_are_no_placeholders(value: str) -> None:
    assert not is_placeholder(Identifier("phone", value))


def test_a_phone_of_many_is_nobodys_even_under_one_name() -> None:
    crowd = [Mention((nick(f"n{k}"), PHONE), "代收点") for k in range(MANY + 1)]
    woven = weave(crowd, {})
    assert woven.links == []
    assert woven.placeholders == {PHONE: MANY + 1}


def test_a_wechat_account_joins_whatever_the_names() -> None:
    union = Identifier("unionid", "u1")
    woven = weave([Mention((nick("a"), union), "张三"), Mention((nick("b"), union), "李四")], {})
    assert together(woven, nick("a"), nick("b"))
    assert [link.reason for link in woven.links] == ["same_order", "same_unionid"]


def test_what_is_known_joins_what_is_new() -> None:
    known = {PHONE: Known(7, frozenset({"张小美"})), nick("a"): Known(7, frozenset({"张小美"}))}
    woven = weave([Mention((nick("b"), PHONE), "张小美")], known)
    assert together(woven, nick("b"), nick("a")) or together(woven, nick("b"), PHONE)
    assert woven.links[0].reason == "same_phone"


def test_a_known_phone_under_another_name_stays_with_its_owner() -> None:
    known = {PHONE: Known(7, frozenset({"张小美"}))}
    woven = weave([Mention((nick("b"), PHONE), "李四")] * 4, known)
    assert woven.links == []
    assert woven.shared == {PHONE: 2}


def test_two_persons_whom_a_human_parted_stay_apart() -> None:
    known = {nick("a"): Known(1), nick("b"): Known(2), PHONE: Known(1)}
    mentions = [Mention((nick("a"), PHONE), "张小美"), Mention((nick("b"), PHONE), "张小美")]
    assert weave(mentions, known).links != []
    assert weave(mentions, known, [(2, 1)]).links == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("张小美", "张小美", True),
        ("张**", "张小美", True),
        ("张*", "张**", True),
        ("*美", "张小美", True),
        ("张先生", "张三", True),
        ("张**", "李四", False),
        ("张小美", "张三", False),
        ("", "李四", True),
        ("Mei Zhang", "zhang  mei", True),
        ("Mei Zhang", "Mei Wang", False),
    ],
)
def test_names_agree_as_people_would_say(one: str, other: str, expected: bool) -> None:
    assert agree(plain(one), plain(other)) is expected
    assert agree(plain(other), plain(one)) is expected


mentions = st.builds(
    lambda nicks, phones, name: Mention((*map(nick, nicks), *phones), name),
    st.lists(st.sampled_from("abcd"), max_size=1),
    st.lists(st.sampled_from([PHONE, OTHER_PHONE]), max_size=1),
    st.sampled_from(["", "张小美", "张三", "李四", "张**", "李*"]),
)


def own_names(woven: Woven, said: Sequence[Mention], group: set[Identifier]) -> set[str]:
    return {
        mention.name
        for mention, primary, is_gift in zip(said, woven.primary, woven.gifts, strict=True)
        if primary in group and mention.name and not is_gift
    }


@settings(max_examples=400, deadline=None)
@given(st.lists(mentions, max_size=12), st.integers(0, 1_000))
def test_people_and_reports_do_not_depend_on_the_order_of_accounts_with_one_name(
    said: list[Mention], seed: int
) -> None:
    # Each account under one name throughout: what remains is evidence, not majority.
    names = {
        nick(n): name for n, name in zip("abcd", ["张小美", "张三", "张小美", "李四"], strict=True)
    }
    steady = [
        Mention(m.identifiers, names.get(m.identifiers[0], "") if m.identifiers else "")
        for m in said
        if m.identifiers and m.identifiers[0] in names
    ]
    shuffled = random.Random(seed).sample(steady, len(steady))
    joined = [
        {frozenset(g & names.keys()) for g in people(weave(one, {}))} - {frozenset()}
        for one in (steady, shuffled)
    ]
    assert joined[0] == joined[1]
    for group in joined[0]:
        assert len({names[one] for one in group}) == 1


@settings(max_examples=400, deadline=None)
@given(st.lists(mentions, max_size=12))
def test_every_order_of_a_buyer_with_an_identifier_has_one_person(said: list[Mention]) -> None:
    woven = weave(said, {})
    assert len(woven.primary) == len(woven.loose) == len(said)
    groups = people(woven)
    for mention, primary in zip(said, woven.primary, strict=True):
        own = [one for one in mention.identifiers if one not in woven.placeholders]
        assert (primary is None) == (not own)
        assert primary is None or sum(primary in group for group in groups) == 1


@settings(max_examples=300, deadline=None)
@given(st.lists(mentions, max_size=10))
def test_weaving_again_with_what_is_known_adds_nothing(said: list[Mention]) -> None:
    woven = weave(said, {})
    groups = people(woven)
    known = {
        one: Known(number, frozenset(own_names(woven, said, group)))
        for number, group in enumerate(groups, 1)
        for one in group
    }
    again = weave(said, known)
    assert again.primary == woven.primary
    assert again.links == []


def test_a_name_learnt_by_one_phone_speaks_at_another() -> None:
    """The buyer b has no name at the first phone, and one only because of the second."""
    first, second = (Identifier("phone", f"+861391234567{n}") for n in (0, 1))
    woven = weave(
        [
            Mention((first,), "张三"),
            Mention((second,), "张小美"),
            Mention((nick("a"), first), "张小美"),
            Mention((nick("b"), first), ""),
            Mention((nick("b"), second), ""),
        ],
        {},
    )
    assert {nick("a"), nick("b"), second} in people(woven)
