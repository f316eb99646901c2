"""The stages that a benchmark times are still there under their names."""

from benchmarks.stages import STAGES


def test_every_timed_function_is_one_of_the_module_that_calls_it():
    missing = [
        f"{module.__name__}.{name}"
        for functions in STAGES.values()
        for module, names in functions.items()
        for name in names
        if not callable(getattr(module, name, None))
    ]
    assert missing == []
