"""What a log line carries, and what it never shows."""

import io
import json
import logging

import pytest
import structlog

from trimtab.logs import bound, configure_logs


@pytest.fixture
def lines() -> io.StringIO:
    stream = io.StringIO()
    configure_logs("INFO", "json", stream)
    return stream


def _only(stream: io.StringIO) -> dict[str, object]:
    (line,) = stream.getvalue().splitlines()
    parsed: dict[str, object] = json.loads(line)
    return parsed


def test_a_line_carries_the_ids_of_the_work_it_belongs_to(lines: io.StringIO) -> None:
    with bound(firm="acme", run="R1", trace_id="4bf9"), bound(account="A7"):
        structlog.get_logger("trimtab.x").info("lots loaded", lots=12)
    line = _only(lines)
    assert (line["firm"], line["account"], line["run"], line["trace_id"]) == ("acme", "A7", "R1", "4bf9")
    assert (line["event"], line["lots"], line["level"], line["logger"]) == ("lots loaded", 12, "info", "trimtab.x")


def test_the_standard_librarys_logging_takes_the_same_road(lines: io.StringIO) -> None:
    with bound(firm="acme"):
        logging.getLogger("somebody.else").warning("took %s ms", 7)
    line = _only(lines)
    assert (line["event"], line["firm"], line["logger"]) == ("took 7 ms", "acme", "somebody.else")


def test_line_ends_in_a_value_do_not_forge_a_second_line(lines: io.StringIO) -> None:
    structlog.get_logger().info('signed in\r\n{"event": "forged"}', user="a\nb\u2028c")
    assert _only(lines)["user"] == "a\nb\u2028c"


def test_control_characters_are_made_visible_on_a_terminal() -> None:
    stream = io.StringIO()
    configure_logs("INFO", "console", stream)
    structlog.get_logger().info("a\r\nb", name="\x1b]0;title\x07")
    assert len(stream.getvalue().splitlines()) == 1
    assert r"a\r\nb" in stream.getvalue()
    assert r"\x1b]0;title\x07" in stream.getvalue()


def test_secrets_are_masked_by_key_at_any_depth(lines: io.StringIO) -> None:
    structlog.get_logger().info(
        "x", password="hunter2", headers={"Authorization": "hunter2"}, rows=[{"client_secret": "hunter2"}]
    )
    assert "hunter2" not in lines.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://trimtab:canary42@db/trimtab",
        "Authorization: Bearer canary42canary42",
        "GET /callback?access_token=canary42&x=1",
        "eyJhbGciOiJFUzI1NiJ9.eyJjYW5hcnk0MiI6MX0.canary42",
    ],
)
def test_secrets_in_texts_are_masked_by_their_shape(lines: io.StringIO, text: str) -> None:
    structlog.get_logger().info(text, why=text)
    logging.getLogger("std").error("failed: %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "canary42" not in lines.getvalue()
    assert lines.getvalue().count("***") >= 4


def test_a_social_security_number_is_masked_and_an_account_number_with_other_groups_is_not(
    lines: io.StringIO,
) -> None:
    structlog.get_logger().info("owner 078-05-1120 of 1234-5678")
    assert _only(lines)["event"] == "owner *** of 1234-5678"


def test_a_traceback_on_a_terminal_shows_no_local_variables() -> None:
    stream = io.StringIO()
    configure_logs("INFO", "console", stream)
    canary = "".join(["can", "ary42"])
    try:
        raise ValueError("bad")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert canary not in stream.getvalue()
    assert "ValueError: bad" in stream.getvalue()


def test_lines_below_the_level_are_dropped(lines: io.StringIO) -> None:
    structlog.get_logger().debug("quiet")
    logging.getLogger("std").debug("quiet")
    assert lines.getvalue() == ""
