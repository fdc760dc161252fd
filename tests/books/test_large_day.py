"""What a day costs grows with its rows and nothing else: payments are read in hundreds, nothing is scanned."""

from pathlib import Path

from tests.books.large_day import PAGE, measured

ROWS = 3_000


def test_a_day_is_compared_in_batches_and_without_a_scan(tmp_path: Path) -> None:
    told = measured(ROWS, tmp_path)
    assert (told["status"], told["differences"]) == ("balanced", 0)
    asked = told["dynamodb"]
    assert asked["BatchGetItem PaymentsTable"] == ROWS // 100
    assert asked["UpdateItem PaymentsTable"] == ROWS  # a fee for each payment and refund
    assert asked["Query JournalTable"] == 8 * -(-ROWS // (8 * PAGE))
    assert not [name for name in asked if name.startswith("Scan")]
    # One part of each bill, eight partitions of the journal and of the numbers, the end.
    assert told["messages"] == 1 + 1 + 8 + 8 + 1
    assert sum(count for name, count in asked.items() if name.endswith("BillsTable")) < 10 * told["messages"]
