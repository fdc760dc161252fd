"""The floor's AWS: botocore's own clients, as they come, and a secret read once."""

import json
import os
from functools import cache

from botocore.session import get_session

_session = get_session()
dynamodb = _session.create_client("dynamodb")


@cache
def _secrets_manager():
    return _session.create_client("secretsmanager")


@cache
def secret(variable):
    """The members of the secret whose id this variable of the environment has."""
    return json.loads(_secrets_manager().get_secret_value(SecretId=os.environ[variable])["SecretString"])


def key(out_trade_no):
    """What names one payment in a request to DynamoDB."""
    return {"TableName": os.environ["PAYMENTS_TABLE"], "Key": {"out_trade_no": {"S": out_trade_no}}}
