"""The secret of downloaded platform certificates, written so that two writers at once lose nothing of each other's.

A secret of its own, so that the job that writes it can touch neither the APIv3 key nor the keys that its answers are
believed by, and never overwrites what a person is changing there.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from payments.core.errors import ConfigurationError, TryAgainError
from payments.storage.secret_members import PLATFORM_CERTIFICATES, certificate_texts, content_of, members_of
from wechatpay.errors import KeyFormatError

CURRENT = "AWSCURRENT"
WRITTEN = "DOWNLOADED"  # the label of a version that is not the current one yet
MAX_TRIES = 5

Change = Callable[[tuple[str, ...]], tuple[str, ...]]


class CertificateStore:
    """Platform certificates as PEM texts in one secret. `client` is a Secrets Manager client."""

    def __init__(self, *, client: Any, secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id

    def update(self, change: Change) -> tuple[str, ...]:
        """Keep what `change` makes of what is kept; it may be asked again when somebody else was faster.

        Raises TryAgainError, and ConfigurationError where something else than certificates is kept: it is not overwritten.
        """
        try:
            for _ in range(MAX_TRIES):
                before, version = self._current()
                after = change(before)
                if after == before or self._replaced(after, version):
                    return after
        except (BotoCoreError, ClientError) as problem:
            raise TryAgainError("The platform certificates could not be stored.") from problem
        raise TryAgainError("Others keep changing the platform certificates.")

    def _current(self) -> tuple[tuple[str, ...], str | None]:
        """What is kept, and in which version; nothing, in none, before the first time."""
        try:
            found = self._client.get_secret_value(SecretId=self._secret_id)
        except ClientError as problem:
            if problem.response["Error"]["Code"] == "ResourceNotFoundException":
                return (), None
            raise
        try:
            return certificate_texts(members_of(content_of(found))), found["VersionId"]
        except KeyFormatError as problem:
            raise ConfigurationError(f"the secret {self._secret_id}: {problem}") from None

    def _replaced(self, texts: tuple[str, ...], version: str | None) -> bool:
        """Whether the new content is current now: only if `version` still was, when the label moved."""
        put = self._client.put_secret_value(
            SecretId=self._secret_id,
            SecretString=json.dumps({PLATFORM_CERTIFICATES: texts}),
            VersionStages=[WRITTEN],
        )
        if CURRENT in put["VersionStages"]:  # Secrets Manager's own doing, with the very first version
            return True
        seen = {"RemoveFromVersionId": version} if version else {}
        try:
            self._client.update_secret_version_stage(
                SecretId=self._secret_id,
                VersionStage=CURRENT,
                MoveToVersionId=put["VersionId"],
                **seen,
            )
        except ClientError as problem:
            if problem.response["Error"]["Code"] == "InvalidParameterException":
                return False
            raise
        return True
