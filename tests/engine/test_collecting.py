"""Full collections of garbage wait for their time, and what was set before comes back."""

from __future__ import annotations

import gc
import weakref

import pytest

from netwright.engine import process
from netwright.engine.process import FullCollections


class Node:
    """Something that refers to itself, so that only the collector frees it."""

    def __init__(self):
        self.own = self


def forgotten():
    """Garbage that has outlived the collections of young objects."""
    node = Node()
    gc.collect()
    found = weakref.ref(node)
    del node
    return found


def used_to_quick_trials(collections):
    """After so many of them that full collections wait."""
    for _ in range(1001):
        collections.look()
    return collections


@pytest.fixture
def now(monkeypatch):
    """Time that passes only when it is told to."""
    clock = [0.0]
    monkeypatch.setattr(process.time, "perf_counter", lambda: clock[0])
    return clock


def test_no_full_collection_happens_by_itself_between_quick_trials(now):
    full = []

    def note(phase, info):
        if phase == "start" and info["generation"] == 2:
            full.append(info)

    gc.callbacks.append(note)
    try:
        with FullCollections() as collections:
            used_to_quick_trials(collections)
            kept = [[number] for number in range(400_000)]
            assert not full
        more = [[number] for number in range(400_000)]
    finally:
        gc.callbacks.remove(note)
    assert len(kept) == len(more) and full  # as many outside make some


def test_it_collects_when_it_is_time_and_then_waits_a_hundred_times_as_long(now, monkeypatch):
    collect = gc.collect

    def slow(*args):
        now[0] += 0.5
        return collect(*args)

    collections = FullCollections()
    monkeypatch.setattr(process.gc, "collect", slow)
    found = forgotten()
    now[0] = 9.0
    collections.look()
    assert found() is not None
    now[0] = 10.0
    collections.look()
    assert found() is None and now[0] == 10.5
    found = forgotten()
    for now[0], freed in ((60.0, False), (60.4, False), (60.6, True)):
        collections.look()
        assert (found() is None) == freed


def test_a_collector_that_the_user_turned_off_stays_off(now):
    collections = FullCollections()
    found = forgotten()
    gc.disable()
    try:
        with used_to_quick_trials(collections):
            now[0] = 1e6
            collections.look()
        assert found() is not None and not gc.isenabled()
    finally:
        gc.enable()


def test_a_threshold_of_zero_turns_it_off_as_well(now):
    collections, before = FullCollections(), gc.get_threshold()
    found = forgotten()
    gc.set_threshold(0)
    try:
        with used_to_quick_trials(collections):
            now[0] = 1e6
            collections.look()
        assert found() is not None and gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)


def test_trials_that_take_long_have_pythons_own_collections(now, monkeypatch):
    """From the first one on; and after many quick ones, such as networks that break a limit, from the second."""
    monkeypatch.setattr(process, "_FIRST", 1e6)
    before = gc.get_threshold()
    with FullCollections() as collections:
        for _ in range(1100):
            collections.look()
            now[0] += 0.2
        assert gc.get_threshold() == before
        used_to_quick_trials(collections)
        assert gc.get_threshold()[2] > 100_000
        now[0] += 3.0
        collections.look()
        assert gc.get_threshold() == before
        used_to_quick_trials(collections)
    assert gc.get_threshold() == before


def test_the_thresholds_come_back_when_the_last_search_ends(now):
    before = gc.get_threshold()
    gc.set_threshold(690, 11, 12)
    try:
        first, second = FullCollections(), FullCollections()
        used_to_quick_trials(first.__enter__())
        used_to_quick_trials(second.__enter__())
        assert gc.get_threshold()[:2] == (690, 11)
        first.__exit__()
        assert gc.get_threshold()[2] > 12
        second.__exit__()
        assert gc.get_threshold() == (690, 11, 12)
    finally:
        gc.set_threshold(*before)
