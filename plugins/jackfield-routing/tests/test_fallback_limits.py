"""The fallback at its limits: the time of the call, names that lead nowhere, layers that refuse."""

from __future__ import annotations

import pytest

from jackfield.errors import (
    APIConnectionError,
    DeadlineExceededError,
    InternalServerError,
    NotFoundError,
    PluginError,
    RateLimitError,
    StreamInterruptedError,
)
from jackfield.testing import ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield_routing import Fallback


def test_one_deadline_rules_all_hops(ask, failing):
    """What the first ones took is gone: where it runs out within a hop, no further one is asked."""
    slow, well = failing(always="503", seconds=4.0), failing()
    layers = plan(slow, middleware=[Fallback(models={"m": ("n", "o", "other/p")})], backends={"other": well})
    driver = ScriptedDriver()

    with pytest.raises(DeadlineExceededError) as caught:
        run_call(layers, ask(), driver, timeout=10.0)

    assert len(slow.asked) == 3
    assert well.asked == []
    assert driver.slept == [4.0, 4.0]
    assert len(caught.value.attempts) == 3
    assert [note.split(" failed")[0] for note in caught.value.__notes__] == [
        "fallback: before it 'm'",
        "fallback: before it 'n'",
    ]

    assert run_call(layers, ask(), timeout=12.5).id == "p"


def test_where_no_time_is_left_the_failure_is_told_as_it_is(ask, fallback, failing):
    """A failure with the last second is raised, and not the deadline in its place."""
    slow, well = failing(always="503", seconds=10.0), failing()

    with pytest.raises(InternalServerError):
        run_call(plan(slow, middleware=[fallback()], backends={"other": well}), ask(), timeout=10.0)

    assert well.asked == []


@pytest.mark.parametrize("error", [DeadlineExceededError(), PluginError("broken"), ZeroDivisionError("a bug")])
def test_what_is_no_failure_of_a_backend_goes_nowhere(ask, fallback, error: Exception):
    """The deadline, a broken plugin and a bug are not this layer's business."""
    hook = fallback().wrap_chat_completion(ask(), make_call())

    with pytest.raises(type(error)) as caught:
        run_flow(hook, inward=[error])

    assert caught.value is error


def test_a_next_name_that_leads_nowhere_is_told_with_its_table(ask, fallback, failing):
    """The last error names the name and the table, and a note tells what had failed before."""
    with pytest.raises(NotFoundError, match=r"'nowhere'.*the name 'nowhere/n' stands in `models` of") as caught:
        run_call(plan(failing("503"), middleware=[fallback("nowhere/n")]), ask())

    assert caught.value.code == "model_not_found"
    assert caught.value.stage == "not_sent"
    assert len(caught.value.attempts) == 1
    (note,) = caught.value.__notes__
    assert note == "fallback: before it 'm' failed: InternalServerError: down"


def test_a_next_name_that_leads_nowhere_is_passed_over(ask, fallback, failing):
    """The one after it is asked; if that fails too, a note tells of the name."""
    provider = failing("503", "429")
    layers = plan(provider, middleware=[fallback("nowhere/n", "o")])

    with pytest.raises(RateLimitError) as caught:
        run_call(layers, ask())

    assert provider.models == ["m", "o"]
    assert "stands in `models` of the middleware fallback" in caught.value.__notes__[1]
    assert run_call(layers, ask()).id == "m"


def test_the_hosts_own_name_that_leads_nowhere_is_not_blamed_on_the_table(ask, failing):
    """It may stand for a backend that is gone, and have next ones; without them its error is what it was."""
    layer = Fallback(models={"gone/m": ("n",), "lost/m": ("gone/m",)})

    assert run_call(plan(failing(), middleware=[layer]), ask("gone/m")).id == "n"
    with pytest.raises(NotFoundError) as caught:
        run_call(plan(failing(), middleware=[layer]), ask("lost/m"))
    assert "'gone/m' stands in" in str(caught.value)
    assert caught.value.__notes__ == ["fallback: before it 'lost/m' failed: NotFoundError: no backend is named 'lost'"]


def test_a_404_of_a_backend_is_not_blamed_on_the_table(ask, fallback, failing):
    """A backend that lacks the model says so in its own words."""
    with pytest.raises(NotFoundError) as caught:
        run_call(plan(failing("503", "404"), middleware=[fallback("n")]), ask())

    assert str(caught.value) == "no such model"


def test_a_provider_that_lacks_the_model_is_not_blamed_on_the_table(ask, fallback, failing):
    """One in this process knows before it sends anything; it was asked, so the name leads somewhere."""
    provider = failing("503", "404 before sending")

    with pytest.raises(NotFoundError) as caught:
        run_call(plan(provider, middleware=[fallback("n")]), ask())

    assert str(caught.value) == "no such file"


def test_a_404_of_a_layer_inside_is_not_blamed_on_the_table(ask, fallback, failing, shut):
    """A recorded answer, say, is a backend's own words too."""
    layers = [fallback("n"), shut("n", "404")]

    with pytest.raises(NotFoundError) as caught:
        run_call(plan(failing("503"), middleware=layers), ask())

    assert str(caught.value) == "no such model"


def test_a_layer_inside_that_refuses_is_a_hop_like_any_other(ask, fallback, failing, shut):
    """A limit or an open circuit of one model leads to the next; it makes no attempt, so only a note tells of it."""
    provider = failing("503")

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(provider, middleware=[fallback("n"), shut("m", "circuit open")]), ask())

    assert [attempt.model for attempt in caught.value.attempts] == ["n"]
    assert caught.value.__notes__ == ["fallback: before it 'm' failed: APIConnectionError: open"]


def test_notes_hold_one_line_each_whatever_the_names(ask):
    """A name of the host's with line breaks in it makes no further line."""
    error = APIConnectionError("down", stage="not_sent")
    hook = Fallback(models={"m\nx": ("n",)}).wrap_chat_completion(ask("m\nx"), make_call())

    with pytest.raises(APIConnectionError):
        run_flow(hook, inward=[APIConnectionError("down", stage="not_sent"), error])

    assert error.__notes__ == ["fallback: before it 'm\\nx' failed: APIConnectionError: down"]


def test_a_stream_that_breaks_at_the_last_hop_is_told_so(ask, fallback, failing):
    """The last hop commits and breaks: the host gets its chunk, the break, and the note."""
    provider = failing("503", "stream broke", chunks=0)
    other = failing("stream broke", chunks=1)
    driver = ScriptedDriver()

    with pytest.raises(StreamInterruptedError) as caught:
        layers = plan(provider, middleware=[fallback("other/n")], backends={"other": other})
        run_call(layers, ask(stream=True), driver)

    assert caught.value.partial is not None
    assert len(driver.delivered) == 1
    assert caught.value.__notes__ == ["fallback: before it 'm' failed: InternalServerError: down"]


def test_a_fallback_within_a_fallback_asks_its_own_next_ones(ask, failing):
    """Listed twice, the inner one ends its chain first."""
    provider = failing(*["503"] * 4)
    layers = [Fallback(models={"m": ("n",)}), Fallback(models={"m": ("o",), "n": ("p",)})]

    with pytest.raises(InternalServerError):
        run_call(plan(provider, middleware=layers), ask())

    assert provider.models == ["m", "o", "n", "p"]
