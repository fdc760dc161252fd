"""Lambda's runtime client for machines that AWS publishes none for: loads the handler, then next, call, answer, again.

Speaks the Runtime API of the Lambda developer guide ("Using the Lambda runtime API") and knows nothing of the sandbox.
"""

import http.client
import importlib
import json
import os
import sys
import time
import traceback
from typing import Any


class Context:
    """The handler's second argument, with the attributes that Lambda documents for Python."""

    def __init__(self, headers: http.client.HTTPMessage) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = self.client_context = None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the call."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


def _report(error: BaseException, type_name: str | None = None) -> bytes:
    traceback.print_exception(error)
    return json.dumps(
        {
            "errorType": type_name or type(error).__name__,
            "errorMessage": str(error),
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
    ).encode()


def main(handler_name: str) -> None:
    """Serve until the Runtime API is gone."""
    # Python put this file's folder first; Lambda has the task root there.
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(method: str, path: str, body: bytes | None = None) -> tuple[http.client.HTTPMessage, bytes]:
        api.request(method, "/2018-06-01/runtime/" + path, body)
        response = api.getresponse()
        return response.headers, response.read()

    module_name, _, function_name = handler_name.rpartition(".")
    try:
        handler: Any = getattr(importlib.import_module(module_name.replace("/", ".")), function_name)
    except ImportError as error:
        call("POST", "init/error", _report(error, "Runtime.ImportModuleError"))
        sys.exit(1)
    except AttributeError as error:
        call("POST", "init/error", _report(error, "Runtime.HandlerNotFound"))
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever the module raised is what Lambda must hear
        call("POST", "init/error", _report(error))
        sys.exit(1)
    while True:
        try:
            headers, event = call("GET", "invocation/next")
        except (OSError, http.client.HTTPException):
            sys.exit(1)
        context = Context(headers)
        try:
            answer, kind = json.dumps(handler(json.loads(event), context)).encode(), "response"
        except Exception as error:  # noqa: BLE001 - a handler's error is an answer too
            answer, kind = _report(error), "error"
        call("POST", f"invocation/{context.aws_request_id}/{kind}", answer)


if __name__ == "__main__":
    main(sys.argv[1])
