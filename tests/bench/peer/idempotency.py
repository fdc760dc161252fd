"""One order or refund for an Idempotency-Key: Powertools' own, as its documentation has it."""

import os

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)

store = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
config = IdempotencyConfig(
    event_key_jmespath='[headers."idempotency-key", requestContext.authorizer.jwt.claims.sub, routeKey]',
    raise_on_no_idempotency_key=True,
)
once = idempotent(persistence_store=store, config=config)
