"""Full collections of garbage wait for their time, and what was set before comes back."""

from __future__ import annotations

import gc
import weakref

import pytest

from netwright.engine import collecting
from netwright.engine.collecting import FullCollections


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


@pytest.fixture
def now(monkeypatch):
    """Time that passes only when it is told to."""
    clock = [0.0]
    monkeypatch.setattr(collecting.time, "perf_counter", lambda: clock[0])
    return clock


def test_no_full_collection_happens_by_itself_inside():
    full = []

    def note(phase, info):
        if phase == "start" and info["generation"] == 2:
            full.append(info)

    gc.callbacks.append(note)
    try:
        with FullCollections():
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
    monkeypatch.setattr(collecting.gc, "collect", slow)
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
        with collections:
            now[0] = 1e6
            collections.look()
        assert found() is not None and not gc.isenabled()
    finally:
        gc.enable()


def test_the_thresholds_come_back_when_the_last_search_ends():
    before = gc.get_threshold()
    gc.set_threshold(690, 11, 12)
    try:
        first, second = FullCollections(), FullCollections()
        first.__enter__()
        second.__enter__()
        assert gc.get_threshold()[:2] == (690, 11)
        first.__exit__()
        assert gc.get_threshold()[2] > 12
        second.__exit__()
        assert gc.get_threshold() == (690, 11, 12)
    finally:
        gc.set_threshold(*before)
