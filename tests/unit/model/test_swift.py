"""Values that are made quickly are values like any other."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from hybridd.model.swift import swift


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """What `swift` must not differ from."""

    name: str
    size: float = 1.5
    seen: dict = field(default_factory=dict)
    quiet: int = field(default=0, compare=False)


@swift
@dataclass(frozen=True, slots=True, kw_only=True)
class Swift:
    """The same fields."""

    name: str
    size: float = 1.5
    seen: dict = field(default_factory=dict)
    quiet: int = field(default=0, compare=False)


@pytest.mark.parametrize("given", [{}, {"size": 2}, {"seen": {1: 2}, "quiet": 7}, {"name": "y", "seen": None}])
def test_its_fields_are_those_that_dataclass_would_have_set(given):
    given = {"name": "x", **given}
    plain, quick = Plain(**given), Swift(**given)
    assert [getattr(plain, one.name) for one in fields(Plain)] == [getattr(quick, one.name) for one in fields(Swift)]
    assert repr(quick) == repr(plain).replace("Plain", "Swift")
    assert type(quick) is Swift


def test_it_is_frozen():
    quick = Swift(name="x")
    with pytest.raises(FrozenInstanceError):
        quick.name = "y"
    with pytest.raises(FrozenInstanceError):
        del quick.name
    with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
        quick.other = 1


def test_two_do_not_share_what_is_made_for_each():
    one, other = Swift(name="x"), Swift(name="x")
    assert one.seen is not other.seen


def test_it_compares_hashes_copies_and_travels_as_a_dataclass_does():
    quick = Swift(name="x", quiet=1)
    assert quick == Swift(name="x", quiet=2) != Swift(name="y")
    assert replace(quick, name="y") == Swift(name="y")
    assert copy.deepcopy(quick) == pickle.loads(pickle.dumps(quick)) == quick
    with pytest.raises(TypeError, match="unhashable"):
        hash(quick)  # of its dict, as with any dataclass


@pytest.mark.parametrize("given", [{}, {"name": "x", "colour": 1}])
def test_wrong_arguments_are_refused(given):
    with pytest.raises(TypeError, match="argument"):
        Swift(**given)


def test_a_class_whose_making_does_more_is_refused():
    with pytest.raises(TypeError, match="plain dataclass"):

        @swift
        @dataclass(frozen=True, slots=True)
        class Checked:
            size: int

            def __post_init__(self) -> None:
                raise ValueError

    with pytest.raises(TypeError, match="plain dataclass"):
        swift(int)
