"""AWS Lambda on this machine: per function a fleet of processes, started by calls and re-used by later ones."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.deployed import Function
from sandbox.functions.execution import Environment, FunctionError, Process
from sandbox.functions.fleet import Fleet
from sandbox.functions.process_group import end_group_with_this_process
from sandbox.functions.zygote import Zygote

__all__ = ["FunctionError", "Lambdas", "PayloadTooLargeError"]

MAX_REQUEST_BYTES = 6_291_456
"""Bytes of an event (Lambda quotas: 6 MB for synchronous invocation)."""
SHIFT = Path(__file__).parent / "clock_shift"


class PayloadTooLargeError(Exception):
    """The event is over 6 MB; Lambda would not take it."""


class Lambdas:
    """Runs the functions of a deployed template, each in processes of its own.

    A call starts a process unless a warm one is free; of those the last used goes first. `max_processes` bounds each
    function: further calls wait for their turn. `credentials` gives a function's role credentials as environment
    variables; `log_sink` takes (logical id, line) of all that processes write, which `logs` keeps too.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        region: str,
        endpoint_url: str,
        credentials: Callable[[Function], Mapping[str, str]],
        clock: Clock,
        max_processes: int = 10,
        log_sink: Callable[[str, str], None] | None = None,
        platform: str = sys.platform,
        python: str = sys.executable,
    ) -> None:
        self._group: subprocess.Popen[bytes] = end_group_with_this_process()
        # AWS publishes its runtime client for Linux only, and another interpreter than ours does not have it.
        self._zygote = None
        if platform == "linux" and python == sys.executable:
            self._zygote = Zygote(self._group.pid)
        self._clock = clock
        self._fleets: dict[str, Fleet] = {}
        for logical_id, function in functions.items():

            def start(fleet: Fleet, function: Function = function) -> Environment:
                variables = environment_of(function, region, endpoint_url, credentials(function), clock)
                return Environment(
                    function,
                    lambda more: self._launched(function, {**variables, **more}, python),
                    on_ready=fleet.started,
                    on_end=fleet.ended,
                    log=fleet.log,
                )

            sink = None if log_sink is None else (lambda line, name=logical_id: log_sink(name, line))
            self._fleets[logical_id] = Fleet(function.timeout, start, max_processes, sink)

    def invoke(self, logical_id: str, payload: Any) -> Any:
        """The handler's answer to this event, both as JSON values (RequestResponse); bytes are taken as the event's text.

        Raises FunctionError for what the handler raised, an import that failed, a process that died or took too
        long; PayloadTooLargeError; KeyError when there is no such function.
        """
        event = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()
        if len(event) > MAX_REQUEST_BYTES:
            raise PayloadTooLargeError(f"Request must be smaller than {MAX_REQUEST_BYTES} bytes")
        return json.loads(self._fleets[logical_id].run(event, self._clock) or b"null")

    def warm(self) -> None:
        """Start one process of every function and return when all are ready; a broken one says so when it is called."""

        def start(fleet: Fleet) -> None:
            with contextlib.suppress(FunctionError):
                fleet.warm()

        with ThreadPoolExecutor(max(1, len(self._fleets))) as pool:
            list(pool.map(start, self._fleets.values()))

    def kill(self, logical_id: str) -> int:
        """End the function's processes with SIGKILL and say how many there were; the next call starts another."""
        return self._fleets[logical_id].end(Environment.kill)

    def pids(self, logical_id: str) -> list[int]:
        """The process numbers of the function's processes."""
        return self._fleets[logical_id].pids()

    def logs(self, logical_id: str) -> str:
        """What the function's processes have written, standard error included; the last few megabytes."""
        return self._fleets[logical_id].output()

    def stop(self) -> None:
        """End every process: asked first, killed after two seconds. Calls in flight fail."""
        for fleet in self._fleets.values():
            fleet.close()
        for fleet in self._fleets.values():
            fleet.end(Environment.terminate)
        patience = 2.0
        for fleet in self._fleets.values():
            if not fleet.join(patience):
                patience = 0.1
                fleet.end(Environment.kill)
                fleet.join(2)
        if self._zygote is not None:
            self._zygote.stop()
        if self._group.stdin is not None:
            self._group.stdin.close()
        self._group.wait()

    def _launched(self, function: Function, variables: dict[str, str], python: str) -> Process:
        if self._zygote is not None:
            return self._zygote.start(
                "awslambdaric", function.handler, folder=function.code, variables=variables
            )
        return subprocess.Popen(
            [python, str(SHIFT / "runtime_client.py"), function.handler],
            cwd=function.code,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            process_group=self._group.pid,
        )


def environment_of(
    function: Function, region: str, endpoint_url: str, credentials: Mapping[str, str], clock: Clock
) -> dict[str, str]:
    """Exactly what Lambda defines (developer guide, "Defined runtime environment variables") and the template adds.

    Nothing comes from the shell but the library path that an interpreter may need to start.
    """
    shell = {
        name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ
    }
    path = [str(SHIFT), str(function.code), *map(str, function.layers)]
    return {
        **shell,
        **function.environment,
        "_HANDLER": function.handler,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python3.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "sandbox",
        **credentials,
        # Whatever the template says: a function of the sandbox must never reach the real AWS.
        "AWS_ENDPOINT_URL": endpoint_url,
        # Our AWS shares a laptop's processors with everything else, and stands still when it gets none.
        "AWS_TIMEOUT_SECONDS": "5",
        # Lambda's own, which does not exist there either: nobody's ~/.aws may be read.
        "HOME": "/home/sbx_user1051",
        "LAMBDA_TASK_ROOT": str(function.code),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONUNBUFFERED": "1",
        "TZ": ":UTC",
        **({"SANDBOX_CLOCK_FILE": str(clock.file)} if clock.file else {}),
    }
