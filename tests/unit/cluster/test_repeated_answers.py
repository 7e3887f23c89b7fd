"""The same answer to the same question is not read again (TASK-50)."""

from __future__ import annotations

from io import BytesIO

from kafka.protocol.admin import DescribeConfigsResponse

from pipeline.cluster.administration.configs import ConfigsAdmin
from pipeline.cluster.asking import SAME, Repeated


def answer(value: str) -> BytesIO:
    result = DescribeConfigsResponse.DescribeConfigsResult
    row = result.DescribeConfigsResourceResult(name="retention.ms", value=value, config_source=5, synonyms=[])
    each = result(error_code=0, resource_type=2, resource_name="t", configs=[row])
    return BytesIO(DescribeConfigsResponse(results=[each], version=4).encode(version=4))


class Reader:
    read = 0

    def decode(self, buffer: BytesIO) -> DescribeConfigsResponse:
        self.read += 1
        return DescribeConfigsResponse.decode(buffer, version=4)


def test_only_news_is_read() -> None:
    repeated, reader = Repeated(), Reader()
    first = repeated.decode(reader, answer("5"))
    assert first.results[0].configs[0].value == "5"
    assert repeated.decode(reader, answer("5")) is SAME
    assert repeated.decode(reader, answer("6")).results[0].configs[0].value == "6"
    assert repeated.decode(reader, answer("5")) is not SAME
    assert reader.read == 3


def test_answers_are_kept_for_hundreds_of_small_links_but_not_for_any_number_of_topics() -> None:
    admin = ConfigsAdmin(None)  # type: ignore[arg-type]
    small = [(f"a{number}", f"b{number}") for number in range(500)]
    kept = [admin._kept_of(names) for names in small]
    assert [admin._kept_of(names) for names in small] == kept
    large = [tuple(f"{letter}{number}" for number in range(6_000)) for letter in "xyz"]
    first = admin._kept_of(large[0])
    for names in large[1:]:
        admin._kept_of(names)
    assert admin._kept_of(large[2]) is not first and sum(map(len, admin._kept)) <= 12_800
