"""The row about time: of every notification that the exam has sent, how long its answer took."""

from collections.abc import Iterator

from wechatpay_simulator.examining.examination import Examination
from wechatpay_simulator.examining.row import Outcome, Row, failed, passed
from wechatpay_simulator.notifications.post import ANSWER_TIMEOUT_SECONDS
from wechatpay_simulator.triggering.kinds import Kind

WORTH_TELLING_SECONDS = 1.0


def rows() -> Iterator[Row[Examination]]:
    """Just one; it is judged last."""
    yield Row("slow", f"each answer within {ANSWER_TIMEOUT_SECONDS:.0f} s", slow)


def slow(exam: Examination) -> Outcome:
    """WeChat Pay takes an answer that comes later for none, and sends again."""
    if not exam.carrier.answers:  # no other row was asked for
        exam.carrier.tell(exam.carrier.of_kind(Kind("SECURITY_ECHO.SUCCESS", "security")))
    row, slowest = max(exam.carrier.answers, key=lambda answer: answer[1].seconds)
    late = [row for row, told in exam.carrier.answers if told.status == "timeout"]
    if late:
        return failed(
            f"no answer in time to {len(late)} of {len(exam.carrier.answers)} notifications ({', '.join(dict.fromkeys(late))}): "
            "WeChat Pay takes that for a failure, and sends again; write down what came, answer, and do the rest afterwards"
        )
    sentence = f"the slowest of {len(exam.carrier.answers)} took {slowest.seconds:.2f} s"
    if slowest.seconds > WORTH_TELLING_SECONDS:
        sentence += f" ({row}): over {WORTH_TELLING_SECONDS:.0f} s, which leaves little for a bad day"
    return passed(sentence)
