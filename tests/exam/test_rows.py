"""Each mistake of a backend fails the rows that it must, and no other; what is right, in whatever way, fails none."""

import pytest

from tests.exam.backend import Flags, running
from tests.exam.conftest import commands
from wechatpay_simulator.examining.checklist import ROWS

pytestmark = pytest.mark.in_turn

NAMES = [row.name for row in ROWS]

WRONG = {
    "verifies_nothing": {"forged", "altered", "stale", "probe", "unknown_serial", "replayed"},
    "believes_the_unsigned": {"forged"},
    "has_no_clock": {"stale", "replayed"},
    "looks_back_alone": {"stale"},
    "verifies_what_it_has_written_again": {"altered"},
    "has_one_key": {"unknown_serial"},
    "lets_probes_pass": {"probe"},
    "knows_no_other_kinds": {"other_kinds"},
    "counts_each_time": {"duplicate", "replayed", "lost_notification"},
    "counts_twice_at_once": {"duplicate"},
    "counts_by_notification_id": {"duplicate", "lost_notification"},
    "counts_what_it_finds_apart": {"lost_notification"},
    "compares_what_the_buyer_paid": {"paid"},
    "takes_every_answer_for_paid": set(NAMES) - {"unknown_order", "slow"},
    "believes_wrongly_signed_answers": {"lost_notification"},
    "takes_refunds_for_payments": {"other_kinds"},
    "compares_nothing_and_writes_later": {"wrong_amount", "wrong_currency", "wrong_merchant"},
    "refuses_repetitions": {"duplicate"},
    "trusts_the_amount": {"wrong_amount"},
    "trusts_the_currency": {"wrong_currency"},
    "trusts_the_merchant": {"wrong_merchant"},
    "acknowledges_unknown_orders": {"unknown_order"},
    "never_asks": {"lost_notification"},
    "closes_by_its_own_books": {"closed_and_paid", "late_payment"},
    "takes_no_late_money": {"late_payment"},
    "refunds_under_new_numbers": {"refund_retried"},
    "keeps_only_what_was_answered": {"refund_retried"},
    "gives_up_refunds_without_an_answer": {"refund_retried"},
    "holds_the_second": {"slow"},
    "orders_in_yuan": set(NAMES) - {"unknown_order", "slow"},
    "refuses_all": {"paid", "duplicate", "other_kinds"},  # and learns of payments by asking
}
RIGHT = (
    "acknowledges_contradictions",
    "acknowledges_before_it_decrypts",
    "writes_later",
    "hands_out_later",
    "leaves_open_what_it_cannot_close",
    "refunds_in_the_background",
)


def test_the_rows_are_those_of_the_contract_in_its_order():
    told = """
        forged altered stale probe unknown_serial replayed paid duplicate other_kinds wrong_amount wrong_currency
        wrong_merchant unknown_order slow lost_notification refund_retried closed_and_paid late_payment
    """
    assert told.split() == NAMES


def test_every_flag_of_the_backend_is_tried():
    assert WRONG.keys() | {*RIGHT, "tells_no_fen"} == Flags.__dataclass_fields__.keys()


@pytest.mark.share(3)
@pytest.mark.parametrize("flag", WRONG)
def test_a_mistake_fails_its_rows_and_no_other(merchant, exam, flag):
    with running(merchant, **{flag: True}) as backend:
        examined = exam(*commands(backend.origin))
    assert (examined.wrong(), examined.status) == (WRONG[flag], 1), examined.lines
    assert set(examined.marks()) == set(NAMES)
    assert "–" not in examined.marks().values()


@pytest.mark.parametrize("flags", [(), *((flag,) for flag in RIGHT)], ids=" ".join)
def test_who_is_right_fails_nothing(merchant, exam, flags):
    with running(merchant, **dict.fromkeys(flags, True)) as backend:
        examined = exam(*commands(backend.origin), "--patience", "3")
    assert (examined.status, set(examined.marks().values())) == (0, {"✓"}), examined.lines
    assert examined.lines[-1] == "18 rows: 18 ✓, 0 ✗, 0 –"
