"""What the console's handlers get to work with besides what REST's have."""

from __future__ import annotations

from aiohttp import web

from pipeline.console.course import Course

COURSE = web.AppKey("COURSE", Course)


def course(request: web.Request) -> Course:
    return request.config_dict[COURSE]
