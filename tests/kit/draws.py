"""Operations drawn from a seed, in DynamoDB's JSON: conditions, updates, queries of any form over a few items.

What moto is known to answer otherwise than DynamoDB is not drawn; each such place says so.
"""

import random
from typing import Any

Request = dict[str, Any]

KINDS = {"s": "S", "n": "N", "l": "L", "m": "M", "t": "SS", "u": "NS", "f": "BOOL"}
"""The first letter of an attribute's name says its type: moto fails where values of two types are compared with <."""
NAMES = [f"{kind}{number}" for kind in KINDS for number in (1, 2)]
WORDS = ("", "a", "ab", "abc", "b", "Z", "é", "微信", "10", "9")
VERBS = {"SET", "REMOVE", "ADD", "DELETE"}


class Draws:
    """Requests to two tables: `payments` with a hash key and the index `due`, `connections` with a range key besides."""

    def __init__(self, seed: object, *, payments: str, connections: str) -> None:
        self._chance = random.Random(str(seed))
        self._payments = payments
        self._connections = connections
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def operation(self) -> tuple[str, Request]:
        """One operation and its request."""
        self._names, self._values = {}, {}
        draws = (self._update, self._put, self._get, self._batch, self._delete, self._query, self._scan)
        draw = self._chance.choices(draws, (60, 14, 6, 2, 6, 10, 2))[0]
        name, request = draw()
        if self._names:
            request["ExpressionAttributeNames"] = self._names
        if self._values:
            request["ExpressionAttributeValues"] = self._values
        return name, request

    # ---- operations ----

    def _update(self) -> tuple[str, Request]:
        request = self._keyed()
        request["UpdateExpression"] = text = self._updates()
        if len(set(text.split(" ")) & VERBS) == sum(word in VERBS for word in text.split(" ")):
            request = self._conditional(request)  # moto judges the condition before a clause that comes twice
        choices = ("NONE", "ALL_OLD", "ALL_NEW", "ALL_NEW")  # moto's UPDATED_* leave out what a list has kept
        return "UpdateItem", request | {"ReturnValues": self._chance.choice(choices)}

    def _put(self) -> tuple[str, Request]:
        table, key = self._key()
        item = key | {
            name: self._value(name)
            for name in self._chance.sample(NAMES, self._chance.randint(3, len(NAMES)))
        }
        if table == self._payments and self._chance.random() < 0.7:
            item |= self._indexed()
        if table == self._connections and self._chance.random() < 0.5:
            item["connection_id"] = {"S": self._chance.choice("pqr")}
        request = self._conditional({"TableName": table, "Item": item})
        return "PutItem", request | {"ReturnValues": self._chance.choice(("NONE", "ALL_OLD"))}

    def _get(self) -> tuple[str, Request]:
        return "GetItem", self._keyed() | {"ConsistentRead": self._chance.random() < 0.5}

    def _batch(self) -> tuple[str, Request]:
        table = self._chance.choice((self._payments, self._connections))
        keys = [key for _ in range(20) for name, key in (self._key(),) if name == table]
        if self._chance.random() < 0.8:  # else some come twice
            keys = [key for place, key in enumerate(keys) if key not in keys[:place]]
        part = {"Keys": keys, "ConsistentRead": self._chance.random() < 0.5}
        return "BatchGetItem", {"RequestItems": {table: part}}

    def _delete(self) -> tuple[str, Request]:
        request = self._conditional(self._keyed())
        return "DeleteItem", request | {"ReturnValues": self._chance.choice(("NONE", "ALL_OLD"))}

    def _query(self) -> tuple[str, Request]:
        table, key = self._key()
        which = self._chance.choice(("table", "due", "by_connection"))
        if which == "due":
            request = {"TableName": self._payments, "IndexName": "due"}
            condition = f"{self._name('due_shard')} = {self._placed({'S': self._chance.choice('01')})}"
            due_at = self._name("due_at")
            condition += self._chance.choice(
                (
                    "",
                    f" AND {due_at} {self._chance.choice(('<', '<=', '>', '>=', '='))} {self._placed(self._moment())}",
                )
            )
        elif which == "by_connection":
            request = {"TableName": self._connections, "IndexName": "by_connection"}
            condition = f"{self._name('connection_id')} = {self._placed({'S': self._chance.choice('pqr')})}"
        else:
            request = {"TableName": table}
            condition = f"{self._name('out_trade_no')} = {self._placed(key['out_trade_no'])}"
            if self._chance.random() < 0.5:
                request["FilterExpression"] = self._condition(2)
        request["KeyConditionExpression"] = condition
        self._names = {name: value for name, value in self._names.items() if self._stands(name, request)}
        self._values = {name: value for name, value in self._values.items() if self._stands(name, request)}
        return "Query", request | {"ScanIndexForward": self._chance.random() < 0.7}

    def _scan(self) -> tuple[str, Request]:
        return "Scan", {"TableName": self._chance.choice((self._payments, self._connections))}

    @staticmethod
    def _stands(placeholder: str, request: Request) -> bool:
        texts = request.get("KeyConditionExpression", "") + " " + request.get("FilterExpression", "") + " "
        return any(f"{placeholder}{end}" in texts for end in " .[),")

    # ---- keys ----

    def _key(self) -> tuple[str, dict[str, Any]]:
        number = {"out_trade_no": {"S": f"WX{self._chance.randint(1, 5)}"}}
        if self._chance.random() < 0.6:
            return self._payments, number
        return self._connections, number | {"ticket_id": {"S": f"T{self._chance.randint(1, 4)}"}}

    def _keyed(self) -> Request:
        table, key = self._key()
        if self._chance.random() < 0.015:
            key = {"another": {"S": "x"}}
        return {"TableName": table, "Key": key}

    def _indexed(self) -> dict[str, Any]:
        return {"due_shard": {"S": self._chance.choice("01")}, "due_at": self._moment()}

    def _moment(self) -> dict[str, str]:
        return {"N": str(self._chance.randint(0, 12))}

    # ---- conditions ----

    def _conditional(self, request: Request) -> Request:
        if self._chance.random() < 0.6:
            request["ConditionExpression"] = self._condition(3)
            if self._chance.random() < 0.2:
                request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return request

    def _condition(self, depth: int) -> str:
        form = self._chance.random()
        if depth == 0 or form < 0.35:
            return self._test()
        if form < 0.45:
            return f"NOT {self._simple(depth - 1)}"
        operator = self._chance.choice((" AND ", " OR ", " and "))
        parts = [self._simple(depth - 1) for _ in range(self._chance.randint(2, 3))]
        return operator.join(parts)

    def _simple(self, depth: int) -> str:
        """In parentheses where it is more than one test; DynamoDB refuses needless ones, and moto does not."""
        text = self._condition(depth)
        return f"({text})" if any(word in text.upper().split() for word in ("AND", "OR", "NOT")) else text

    def _test(self) -> str:
        name = self._chance.choice(NAMES)
        kind = name[0]
        path = self._name(name)
        form = self._chance.randrange(8)
        if form == 0:
            return f"attribute_exists({self._path()})"
        if form == 1:
            return f"attribute_not_exists({self._path()})"
        if form == 2:
            return f"attribute_type({path}, {self._placed({'S': self._chance.choice(list(KINDS.values()))})})"
        if form == 3 and kind in "sn":
            return f"{path} {self._chance.choice(('<', '<=', '>', '>='))} {self._placed(self._value(name))}"
        if form == 4 and kind in "sn":
            values = ", ".join(self._placed(self._value(name)) for _ in range(self._chance.randint(1, 3)))
            return f"{path} IN ({values})"
        if form == 5 and kind in "sn":
            low, high = sorted((self._value(name) for _ in range(2)), key=_sorting)
            return f"{path} BETWEEN {self._placed(low)} AND {self._placed(high)}"
        if form == 6 and kind == "s":
            word = self._placed({"S": self._chance.choice(WORDS[1:])})
            return f"{self._chance.choice(('begins_with', 'contains'))}({path}, {word})"
        if form == 6 and kind in "tu":
            member = {"S": self._chance.choice(WORDS[1:])} if kind == "t" else self._number()
            return f"contains({path}, {self._placed(member)})"
        if form == 7 and kind in "lmtu":
            # Where there is nothing to measure, moto fails; a text it measures in characters.
            size = f"size({path}) {self._chance.choice(('<', '=', '>=', '<>'))} {self._placed({'N': '1'})}"
            return f"(attribute_exists({path}) AND {size})"
        return f"{path} {self._chance.choice(('=', '<>'))} {self._placed(self._value(name))}"

    # ---- updates ----

    def _updates(self) -> str:
        verbs = self._chance.sample(("SET", "REMOVE", "ADD", "DELETE"), self._chance.choice((1, 1, 1, 2, 3)))
        names = self._chance.sample(NAMES, len(NAMES))  # apart: two actions on one place are drawn seldom
        clauses = []
        for verb in verbs:
            actions = [self._action(verb, names.pop()) for _ in range(self._chance.randint(1, 2))]
            kept = [action for action in actions if action]
            if kept:
                clauses.append(f"{verb} {', '.join(kept)}")
        if not clauses:
            return f"SET {self._set('s1')}"
        if self._chance.random() < 0.03:
            clauses.append(clauses[0])  # the same clause twice
        return " ".join(clauses)

    def _action(self, verb: str, name: str) -> str | None:
        if verb == "SET":
            if self._chance.random() < 0.15:
                return f"{self._name('due_at')} = {self._placed(self._moment())}" if name == "n1" else None
            return self._set(name)
        if verb == "REMOVE":
            return self._inside(name) if self._chance.random() < 0.5 else self._name(name)
        kind = name[0]
        if kind in "tu" or (kind == "n" and verb == "ADD"):
            return f"{self._name(name)} {self._placed(self._value(name))}"
        return None

    def _set(self, name: str) -> str:
        kind, path, form = name[0], self._name(name), self._chance.randrange(6)
        # moto's copies of sets, lists and maps go on being the same; so no attribute becomes another one.
        other = path if kind in "tum" else self._name(f"{kind}{self._chance.randint(1, 2)}")
        value = self._placed(self._value(name)) if form < 5 else ""
        if form == 0:
            return f"{path} = if_not_exists({path if kind == 'l' else other}, {value})"
        if form == 1 and kind == "l":
            # Where there is no list to be put behind another, moto fails.
            pair = (
                (value, f"if_not_exists({other}, {value})") if self._chance.random() < 0.5 else (other, value)
            )
            return f"{path} = list_append({pair[0]}, {pair[1]})"
        if form == 1 and kind == "n":
            return f"{path} = {other} {self._chance.choice('+-')} {value}"
        if form == 2 and kind == "n":
            return f"{path} = if_not_exists({other}, {value}) + {self._placed(self._number())}"
        if form == 2 and kind == "l":
            return f"{path} = list_append(if_not_exists({other}, {value}), {self._placed(self._value('l'))})"
        if form in (3, 4) and kind in "lm":
            return f"{self._inside(name)} = {value}"
        if form == 5 and kind in "snf":
            return f"{path} = {other}"
        return f"{path} = {value or self._placed(self._value(name))}"

    def _inside(self, name: str) -> str:
        path = self._name(name)
        if name[0] == "l":
            return f"{path}[{self._chance.randint(0, 4)}]"
        if name[0] == "m":
            return f"{path}.{self._name(self._chance.choice('xyz'))}"
        return path

    def _path(self) -> str:
        name = self._chance.choice(NAMES)
        return self._inside(name) if self._chance.random() < 0.4 else self._name(name)

    # ---- values ----

    def _value(self, name: str) -> dict[str, Any]:
        kind = KINDS[name[0]]
        if kind == "S":
            return {kind: self._chance.choice(WORDS)}
        if kind == "N":
            return self._number()
        if kind == "BOOL":
            return {kind: self._chance.random() < 0.5}
        if kind == "SS":
            return {kind: self._chance.sample(WORDS[1:], self._chance.randint(1, 3))}
        if kind == "NS":
            return {kind: [str(n) for n in self._chance.sample(range(-2, 5), self._chance.randint(1, 3))]}
        # Within a list or map, moto takes false for nought.
        inner = [self._value(self._chance.choice("sn")) for _ in range(self._chance.randint(0, 3))]
        if kind == "L":
            return {kind: inner}
        return {kind: dict(zip("xyz", inner, strict=False))}

    def _number(self) -> dict[str, str]:
        if self._chance.random() < 0.9:
            return {"N": str(self._chance.randint(-3, 12))}
        # moto adds with 28 digits and keeps a number as it was written; DynamoDB has 38, and one writing: no sum of these
        # has more than 28.
        return {"N": self._chance.choice(("0.5", "-2.25", "123456789012345678", "-0.000001"))}

    # ---- placeholders ----

    def _name(self, name: str) -> str:
        placeholder = next((p for p, known in self._names.items() if known == name), f"#{len(self._names)}")
        self._names[placeholder] = name
        return placeholder

    def _placed(self, value: dict[str, Any]) -> str:
        placeholder = f":v{len(self._values)}_"
        self._values[placeholder] = value
        return placeholder


def _sorting(value: dict[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    return float(inner) if kind == "N" else inner
