"""The recent course of lag and speed: sampled, bounded, without what is gone."""

from __future__ import annotations

import dataclasses

from pipeline.console.course import SAMPLES, Course
from pipeline.link.models import FinalPosition, Position
from pipeline.link.states import MirrorStatus
from tests.unit.api.fake_plane import FakePlane


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Growing(FakePlane):
    """A plane whose one mirror has so much copied and so much to copy."""

    copied, behind = 0, 0

    def positions(self, link: str, mirror_topic: str) -> list[Position]:
        return [Position(link, mirror_topic, p, 10, 10 + self.behind, bytes=self.copied) for p in range(2)]


def _made() -> tuple[Growing, Clock, Course]:
    plane, clock = Growing(), Clock()
    plane.add_link("east")
    plane.add_mirror("east", "t")
    return plane, clock, Course(plane, clock)


def test_speed_and_lag() -> None:
    plane, clock, course = _made()
    for copied, behind in ((1_000, 0), (6_000, 7), (6_000, 3), (100, 0)):
        plane.copied, plane.behind = copied, behind
        course.sample()
        clock.now += 5
    ring = course.of_mirror("east", "t")
    assert ring.lags.tolist() == [0, 14, 6, 0]
    assert ring.speeds.tolist() == [0, 2_000, 0, 0], "a worker that takes over counts from 0"
    assert course.of_link("east").lags.tolist() == ring.lags.tolist()
    assert course.of_link("east").speeds.tolist() == ring.speeds.tolist()


def test_it_is_bounded_and_forgets_what_is_gone() -> None:
    plane, clock, course = _made()
    for _ in range(SAMPLES + 5):
        course.sample()
        clock.now += 5
    assert len(course.of_mirror("east", "t").lags) == len(course.of_link("east").speeds) == SAMPLES
    plane._mirrors.clear()
    plane._links.clear()
    course.sample()
    assert len(course.of_mirror("east", "t").lags) == len(course.of_link("east").lags) == 0


def test_figures_are_read_at_most_once_a_second() -> None:
    plane, clock, course = _made()
    mirror = plane.mirrors()[0]
    assert course.figures(mirror).lag == 0
    plane.behind = 5
    assert course.figures(mirror).lag == 0
    clock.now += 1.1
    assert course.figures(mirror).lag == 10
    fresh = plane.add_mirror("east", "fresh")
    assert course.figures(fresh).lag == 10, "a mirror made since then is read by itself"


def test_a_stopped_mirror_has_the_lag_it_stopped_with() -> None:
    plane, _, course = _made()
    plane.behind = 50
    final = (FinalPosition(0, 10, 3), FinalPosition(1, 10, 4))
    stopped = dataclasses.replace(plane.mirrors()[0], status=MirrorStatus.STOPPED, final=final)
    plane.put_mirror(stopped)
    assert course.figures(stopped).lag == 7
