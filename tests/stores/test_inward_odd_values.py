"""Changes with odd values: each has its outcome, and those around it are applied."""

import pytest
from tests.stores.runs import PATH, steered

from dynamic_des.testing.waiting import wait_until

TEXT = "Line_A.variables.text"
# JSON → what becomes of it: the value in force, or "refused"; "not taken" where the store itself does not take it
ODD = {
    "NaN": (PATH, "NaN", {"redis": "refused", "postgres": "not taken"}),
    "infinity": (PATH, "1e999", {"redis": "refused", "postgres": "refused"}),
    "10^400": (PATH, "1" + "0" * 400, {"redis": "refused", "postgres": "refused"}),
    "nested": (PATH, '{"deep": [{"er": [[]]}]}', {"redis": "refused", "postgres": "refused"}),
    "deeper than any parser": (PATH, "[" * 5000 + "]" * 5000, {"redis": "refused", "postgres": "refused"}),
    "Unicode": (
        TEXT,
        '"ü 漢 \U0001f600 \\\\ \\t"',
        {"redis": "ü 漢 \U0001f600 \\ \t", "postgres": "ü 漢 \U0001f600 \\ \t"},
    ),
    "NUL": (TEXT, '"a\\u0000b"', {"redis": "a\0b", "postgres": "not taken"}),
    "half a surrogate pair": (TEXT, '"\\ud800"', {"redis": "refused", "postgres": "not taken"}),
    "5 MB": (TEXT, '"' + "x" * 5_000_000 + '"', {"redis": "refused", "postgres": "refused"}),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_change_has_its_outcome_and_those_around_it_are_applied(store, name, case):
    path, value, outcomes = ODD[case]
    outcome = outcomes[store.kind]
    with steered(store.ingress(name, timeout_s=20), last=2) as twin:
        twin.wait_until_connected()
        store.change(name, [1])
        if outcome == "not taken":
            with pytest.raises(store.not_taken):
                store.change_as_json(name, path, value)
        else:
            store.change_as_json(name, path, value)
        store.change(name, [2])
        assert twin.finish() == [1, 2]
        source = twin.env.report().sources[0]
        assert (source.refused, source.reopened) == (int(outcome == "refused"), 0)
        if outcome not in ("refused", "not taken"):
            assert wait_until(lambda: twin.env.registry.get(TEXT).value == outcome, 20)
