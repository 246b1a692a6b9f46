"""Which entries are one story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Entry, Placement
from monitor.stories.clues import Clues, clues_of
from monitor.stories.index import StoryIndex

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
WINDOW = timedelta(hours=72)
WIRE = (
    "The Treasury said on Monday that it would lift the ceiling on student loans by two thousand pounds a year, after "
    "a review found that most of those who leave university repay less than a third of what they have borrowed. "
    "Ministers want the change to come into force before the autumn term, and promised to publish the figures."
)


class Desk:
    """An index that names stories by their first member, and reads a title a minute."""

    def __init__(self) -> None:
        self.index = StoryIndex(WINDOW)
        self.count = 0

    def read(self, title: str, outlet: str = "", *, text: str = "", after: timedelta | None = None) -> Placement:
        self.count += 1
        entry = Entry(key=str(self.count), title=title, summary=text, source=outlet or f"outlet {self.count}")
        at = START + (after or timedelta(minutes=self.count))
        return self.index.place(self.count, clues_of(entry), at=at, begin=f"story {self.count}")

    def stories(self, *titles: str, outlet: str = "") -> list[str]:
        return [self.read(title, outlet).story for title in titles]


def together(*titles: str, outlet: str = "") -> bool:
    return len(set(Desk().stories(*titles, outlet=outlet))) == 1


@pytest.mark.parametrize(
    "titles",
    [
        ("Assad flees Damascus as rebels enter capital", "Rebels in Damascus: Assad has fled, army says"),
        ("Chiquita and Fyffes to merge", "Banana giants Fyffes, Chiquita agree merger"),
        ("Explosion in Bottrop: Zwei Verletzte", "Zwei Verletzte nach Explosion im Bottroper Chemiewerk"),
        ("В Магадане упал самолёт Ан-26", "Самолёт Ан-26 потерпел крушение в Магадане"),
        ("काठमांडू में भूकंप से 12 की मौत", "भूकंप: काठमांडू में कई लोगों की मौत"),
        ("زلزال يضرب كاتماندو ويقتل العشرات", "عشرات القتلى في زلزال كاتماندو"),
        ("서울 지하철 2호선 탈선, 30명 부상", "지하철 2호선 탈선으로 30명 다쳐"),
        ("東京電力、柏崎刈羽原発を再稼働", "柏崎刈羽原発が再稼働　東京電力"),
        ("รัฐสภาไทยผ่านกฎหมายสมรสเท่าเทียม", "กฎหมายสมรสเท่าเทียม ผ่านรัฐสภาไทยแล้ว"),
    ],
)
def test_rewritten_reports_join(titles: tuple[str, ...]) -> None:
    """By rare words, in any language, also where words have no blanks between them."""
    assert together(*titles)


@pytest.mark.parametrize(
    "titles",
    [
        ("Tornado warning 12", "Tornado warning 13"),
        ("Tornado warning 12 for Smith County", "Tornado warning 13 for Smith County"),
        ("Infineon Q1 results", "Infineon Q2 results"),
        ("The Long Read, episode 12", "The Long Read, episode 13"),
        ("Fire in Lyon warehouse", "Fire in Porto hotel"),
        ("Germany wins gold in biathlon", "Germany votes on new chancellor"),
    ],
)
def test_different_stories_stay_apart(titles: tuple[str, ...]) -> None:
    """Words that are alike prove little, and numbers that tell events apart do so from whoever they come."""
    assert not together(*titles)


@pytest.mark.parametrize(
    "titles",
    [
        ("Weather for Monday", "Weather for Tuesday"),
        ("Morning briefing: Monday 23 November", "Morning briefing: Tuesday 24 November"),
        ("Your horoscope: Aries", "Your horoscope: Libra"),
        ("Job: nurse (m/f/d) in Rostock, full-time", "Job: driver (m/f/d) in Passau, full-time"),
        ("ripgrep 14.1.0 released", "ripgrep 14.1.1 released"),
        ("Live: Arsenal v Chelsea", "Live: Arsenal v Everton"),
    ],
)
def test_an_outlets_recurring_formats_are_no_story(titles: tuple[str, str]) -> None:
    """One outlet's titles that differ in a slot are the next of a series, with the same text below them too."""
    desk = Desk()
    text = "Good morning. Here is all that you need to know to start into the day, collected by our editors for you."
    first, second = (desk.read(title, "Daily", text=text) for title in titles)
    assert first.story != second.story


def test_a_short_headline_that_an_outlet_repeats_is_the_next_story() -> None:
    """The second "Tornado warning" of a weather service is not swallowed by the first."""
    desk = Desk()
    text = "A tornado warning is in effect for {} County until {}. Take cover now."
    first = desk.read("Tornado warning", "Weather", text=text.format("Cook", "5:30 PM"))
    second = desk.read("Tornado warning", "Weather", text=text.format("Lake", "7:45 PM"))
    assert first.story != second.story


def test_a_rising_toll_is_one_story() -> None:
    """Numbers that change in titles that change as well keep nothing apart."""
    assert together(
        "Earthquake in Kathmandu kills 12",
        "Kathmandu earthquake: at least 30 dead",
        "Death toll of Kathmandu earthquake rises to 87",
    )


def test_a_toll_that_only_rises_in_the_title_is_one_story_once_others_have_it() -> None:
    """A number that not most of the reports have is a count, and no label that tells events apart."""
    desk = Desk()
    desk.read("Nepal earthquake kills 12 in Kathmandu")
    desk.read("Kathmandu: many feared dead after Nepal earthquake")
    assert desk.read("Nepal earthquake kills 30 in Kathmandu").story == "story 1"


def test_a_series_does_not_slip_into_a_story_that_others_report() -> None:
    """The text that an outlet puts under all of a series speaks for nothing, whoever else has the story."""
    desk = Desk()
    text = "All that you need to know about weather, warnings and roads, from our meteorologists, updated every hour."
    desk.read("Weather for Monday: hurricane Ophelia nears Galway", "Daily", text=text)
    desk.read("Hurricane Ophelia nears Galway, ferries cancelled")
    assert desk.read("Weather for Tuesday: sunny spells, light winds", "Daily", text=text).begins


def test_a_story_that_the_caller_knows_is_kept() -> None:
    """What would begin a story that is there is told to be of it, as is an entry that was published twice."""
    desk = Desk()
    desk.read("Live")
    found = desk.index.place(99, clues_of(Entry(key="99", title="Live")), at=START, begin="story 1")
    assert (found.story, found.begins, found.like, found.reasons) == ("story 1", False, 1, ("same text, same address",))
    assert desk.index.members_of("story 1") == (1, 99)


def test_what_is_forgotten_joins_nothing() -> None:
    """Thousands that came and went leave room, and what is left is found as before."""
    desk = Desk()
    for number in range(2_500):
        desk.index.place(
            10_000 + number,
            clues_of(Entry(key="x", title=f"Zagreb {number} kolo", summary=WIRE if number == 7 else "")),
            at=START + timedelta(seconds=number),
            begin=f"old {number}",
        )
    desk.read("Chiquita and Fyffes to merge", after=timedelta(hours=1))
    desk.index.forget(START + timedelta(minutes=50))
    assert len(desk.index) == 1
    assert 10_007 not in desk.index
    assert desk.read("Ceiling on loans", text=WIRE, after=timedelta(hours=2)).begins
    assert desk.read("Fyffes and Chiquita in merger", after=timedelta(hours=2)).story == "story 1"


def test_a_copy_joins_whatever_its_title() -> None:
    """The beginning of its text is enough, cut to a lead and behind another dateline; the reason says so."""
    desk = Desk()
    first = desk.read("Ceiling on student loans to rise", text=WIRE)
    copy = desk.read("Graduates face bigger debts", text="LONDON (Agency) - " + WIRE[:160])
    assert (first.story, copy.story, copy.like) == ("story 1", "story 1", 1)
    assert copy.reasons[0].startswith("text 9")
    assert copy.score > 0.6


def test_a_standing_phrase_is_no_copy() -> None:
    """Another text under the same boilerplate is another story."""
    desk = Desk()
    blurb = "Our newsletter brings you the best of our journalism every morning. "
    desk.read("Harbour strike ends in Antwerp", "Daily", text=blurb + "Dockers went back to work on Friday night.")
    other = desk.read("Choir wins prize in Graz", "Daily", text=blurb + "The jury praised a daring programme of songs.")
    assert other.begins


def test_reasons_name_what_is_shared() -> None:
    """Rarest words first, as the new entry has them."""
    desk = Desk()
    desk.read("30 hurt as ferry hits pier in Piraeus")
    found = desk.read("Ferry crash in Piraeus leaves 30 hurt")
    assert not found.begins
    assert found.reasons == ("same words: ferry, piraeus, hurt, in", "same numbers: 30")


def test_a_story_ends_with_the_window() -> None:
    """What comes later than the window after the report that began it is new, however much came between: a war that
    goes on for months is not one alert.
    """
    desk = Desk()
    desk.read("Chiquita and Fyffes to merge", text=WIRE)
    assert not desk.read("Chiquita and Fyffes to merge", text=WIRE, after=timedelta(hours=71)).begins
    new = desk.read("Chiquita and Fyffes to merge", text=WIRE, after=timedelta(hours=73))
    assert new.begins
    assert desk.read("Chiquita and Fyffes to merge", text=WIRE, after=timedelta(hours=74)).story == new.story


def test_a_story_that_is_over_ends_what_it_is_merged_into() -> None:
    """As after a restart, when the first report of the whole is older than the window."""
    desk = Desk()
    old = desk.read("Chiquita and Fyffes to merge", text=WIRE).story
    desk.read("Chiquita and Fyffes to merge", text=WIRE, after=timedelta(hours=71))
    other = desk.read("Assad flees Damascus as rebels enter capital", after=timedelta(hours=73)).story
    desk.index.merge(old, other)
    assert len(desk.index.members_of(other)) == 2
    assert desk.read("Assad flees Damascus as rebels enter capital", after=timedelta(hours=74)).begins


def test_a_correction_is_obeyed() -> None:
    """After a move, what is like the moved entry goes where it went."""
    desk = Desk()
    desk.stories("Assad flees Damascus as rebels enter capital", "Chiquita and Fyffes to merge")
    desk.index.move(2, "by hand")
    assert desk.read("Chiquita, Fyffes merge into banana giant").story == "by hand"


def test_a_member_cannot_be_added_twice() -> None:
    desk = Desk()
    desk.read("Assad flees Damascus")
    with pytest.raises(ValueError, match="member 1 is in the index already"):
        desk.index.add(1, clues_of(Entry(key="1")), at=START, story="x")


def test_an_entry_without_words_is_alone() -> None:
    """Nothing in common proves nothing."""
    desk = Desk()
    assert desk.read("").begins
    assert desk.read("").begins
    assert desk.read("***").begins


# ------------------------------------------------------------------------------------------------------------- restarts

_NAMES = ("assad", "damascus", "quake", "nepal", "12", "13", "storm", "kyiv", "the", "talks", "gm", "recall")
_TITLES = st.lists(st.sampled_from(_NAMES), min_size=1, max_size=5).map(" ".join)
_TEXTS = st.sampled_from(("", WIRE, "Byline. " + WIRE[:150], WIRE[40:260]))
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), _TITLES, _TEXTS, st.sampled_from(("", "a", "b"))),
        st.tuples(st.just("drop"), st.integers(0, 30)),
        st.tuples(st.just("move"), st.integers(0, 30), st.integers(0, 5)),
        st.tuples(st.just("forget"), st.integers(0, 40)),
    ),
    max_size=30,
)


@given(steps=_STEPS, asked=st.lists(st.tuples(_TITLES, _TEXTS), min_size=1, max_size=4))
def test_an_index_that_was_filled_again_decides_like_one_that_never_stopped(
    steps: list[tuple[object, ...]], asked: list[tuple[str, str]]
) -> None:
    """Drops, corrections and forgetting leave no trace but the members that are left and their stories."""
    old, kept, over = StoryIndex(WINDOW), dict[int, tuple[Clues, datetime, str]](), set[str]()
    for number, step in enumerate(steps):
        _do(old, kept, over, number, step)
    new = StoryIndex(WINDOW)
    for member, (clues, at, story) in kept.items():
        new.add(member, Clues.unpack(clues.pack()), at=at, story=story)
    for story in over:
        new.end(story)
    for number, (title, text) in enumerate(asked, start=1000):
        clues = clues_of(Entry(key=str(number), title=title, summary=text))
        at = START + timedelta(hours=number - 960)
        assert old.place(number, clues, at=at, begin=str(number)) == new.place(number, clues, at=at, begin=str(number))


def _do(
    index: StoryIndex,
    kept: dict[int, tuple[Clues, datetime, str]],
    over: set[str],
    number: int,
    step: tuple[object, ...],
) -> None:
    match step:
        case ("read", str(title), str(text), str(outlet)):
            clues = clues_of(Entry(key=str(number), title=title, summary=text, source=outlet))
            at = START + timedelta(hours=number)
            kept[number] = clues, at, index.place(number, clues, at=at, begin=f"story {number}").story
        case ("drop", int(member)):
            index.drop(member)
            kept.pop(member, None)
        case ("move", int(member), int(to)) if member in kept:
            index.move(member, f"story {to}")
            kept[member] = (*kept[member][:2], f"story {to}")
        case ("forget", int(hours)):
            index.forget(START + timedelta(hours=hours))
            for member in [one for one, (_, at, _) in kept.items() if at < START + timedelta(hours=hours)]:
                over.add(kept.pop(member)[2])
        case _:
            pass
    over &= {story for _, _, story in kept.values()}


# ---------------------------------------------------------------------------------------------------------------- clues


@given(title=st.text(max_size=80), summary=st.text(max_size=400), source=st.text(max_size=20))
def test_clues_come_back_from_the_store(title: str, summary: str, source: str) -> None:
    """Whatever an entry holds."""
    clues = clues_of(Entry(key="1", title=title, summary=summary, source=source))
    assert Clues.unpack(clues.pack()) == clues


def test_clues_of_another_version_are_told() -> None:
    with pytest.raises(ValueError, match="clues of version 9, this program reads version 1; make them anew"):
        Clues.unpack(b"\x09rest")
    with pytest.raises(ValueError, match="cut short"):
        Clues.unpack(clues_of(Entry(key="1", title="Assad flees")).pack()[:-1])
    with pytest.raises(ValueError, match="cut short"):
        Clues.unpack(b"\x01\x00")
