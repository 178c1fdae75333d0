"""The limit holds in every window, refuses nothing that fits, and says how long to wait."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.limiter import NS_PER_S, Limiter, max_in_any_window


class Stamps:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def brute_force_max(stamps_ns: list[int], window_ns: int) -> int:
    return max((sum(begin <= s < begin + window_ns for s in stamps_ns) for begin in stamps_ns), default=0)


@given(st.integers(1, 5), st.lists(st.integers(0, 800_000_000), max_size=60))
def test_no_window_holds_more_and_nothing_that_fits_is_refused(limit: int, gaps_ns: list[int]) -> None:
    stamps = Stamps()
    limiter = Limiter(limit=limit, window_s=1, stamp=stamps)
    accepted: list[int] = []
    for gap_ns in gaps_ns:
        stamps.now_ns += gap_ns
        before = [s for s in accepted if s > stamps.now_ns - NS_PER_S]
        wait_ns = limiter.admit()
        if len(before) < limit:
            assert wait_ns is None
            accepted.append(stamps.now_ns)
        else:
            assert wait_ns == before[0] + NS_PER_S - stamps.now_ns
    assert list(limiter.accepted_ns) == accepted
    assert limiter.refused == len(gaps_ns) - len(accepted)
    assert brute_force_max(accepted, NS_PER_S) <= limit


@given(st.lists(st.integers(0, 5_000), max_size=80), st.integers(1, 2_000))
def test_max_in_any_window_is_what_counting_every_window_says(stamps_ns: list[int], window_ns: int) -> None:
    stamps_ns.sort()
    assert max_in_any_window(stamps_ns, window_ns) == brute_force_max(stamps_ns, window_ns)


def test_a_request_a_whole_window_later_does_not_meet_the_first() -> None:
    stamps = Stamps()
    limiter = Limiter(limit=1, window_s=60, stamp=stamps)
    assert limiter.admit() is None
    stamps.now_ns = 60 * NS_PER_S - 1
    assert limiter.admit() == 1
    stamps.now_ns = 60 * NS_PER_S
    assert limiter.admit() is None


def test_a_raised_limit_counts_what_has_arrived() -> None:
    stamps = Stamps()
    limiter = Limiter(limit=2, window_s=60, stamp=stamps)
    assert [limiter.admit() is None for _ in range(3)] == [True, True, False]
    limiter.change(limit=3, window_s=60)
    assert [limiter.admit() is None for _ in range(2)] == [True, False]
