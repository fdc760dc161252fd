"""The world of many runs: the next one can begin whenever the last one ended, on however busy a machine."""

from payments.storage.tables import PaymentItem
from tests.resilience.crash.flows import BY_NAME
from tests.resilience.crash.trial import tried
from tests.resilience.crash.world import MAX_WAIT_SECONDS, World


def test_runs_may_end_and_begin_at_any_second_of_an_hour(world: World) -> None:
    world.next_run(phase=0)  # on a full hour, whatever the time is here
    for seconds_left in (59, 31, 30, 1, 0):
        world.clock.advance(3600 - world.clock.time() % 3600 - seconds_left)
        numbers = [world.next_run(phase=phase) for phase in (0, 59, 0)]
        assert numbers == list(range(numbers[0], numbers[0] + 3))


def test_what_one_run_left_in_the_queue_is_not_there_in_the_next(world: World) -> None:
    queues = world.aws.client("sqs")
    for queue in world.queues:
        queues.send_message(QueueUrl=queue.queue_url, MessageBody="{}")
    world.next_run(phase=7)

    assert [list(world.received(queue)) for queue in world.queues] == [[] for _ in world.queues]


def test_a_slow_table_is_waited_for(world: World) -> None:
    assert not tried(world, BY_NAME["query"]).violations
    assert PaymentItem._get_connection().connection._read_timeout_seconds == MAX_WAIT_SECONDS
