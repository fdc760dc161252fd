"""What sandbox/aws/moto_internals.py takes of moto, by name; as a program, prints which of it moto has no longer as it was."""

import importlib
import inspect

SERVICES = (
    "dynamodb",
    "dynamodbstreams",
    "events",
    "iam",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sqs",
    "sts",
)

FUNCTIONS = {
    # Replaced: moto must call them by these names.
    "moto.core.serialize:BaseJSONSerializer._serialize_type_structure": "self serialized value shape key",
    "moto.core.responses:method_names_from_class": "clazz",
    "moto.sqs.models:unix_time": "dt",
    "moto.sqs.models:unix_time_millis": "dt",
    # Called.
    "moto.core.serialize:BaseJSONSerializer._default_serialize": "self serialized value shape key",
    "moto.core.utils:method_names_from_class": "clazz",
    "moto.moto_server.werkzeug_app:create_backend_app": "service",
    "moto.sts.models:STSBackend.get_assumed_role_from_access_key": "self access_key_id",
    "moto.iam.models:IAMBackend.get_role_by_arn": "self arn",
}
"""The parameters of each."""

KINDS = {
    "moto.core.request:Request.from_wsgi_server": bool,
    "moto.core.request:Request.raw_url": property,
    "moto.s3.models:s3_backends.bucket_accounts": dict,
    "moto.awslambda.utils:get_backend": object,
    **{f"moto.{service}.models:{service}_backends": dict for service in SERVICES},
    **{f"moto.{service}.urls:url_paths": dict for service in SERVICES},
}
"""What each is an instance of."""


def changed(functions, kinds):
    """A sentence for each part that is gone, or is not what it was."""
    sentences, there = [], {}
    for name in (*functions, *kinds):
        try:
            there[name] = found(name)
        except (ImportError, AttributeError) as missing:
            sentences.append(f"{name} is gone: {missing}")
    for name in functions.keys() & there.keys():
        parameters = " ".join(inspect.signature(there[name]).parameters)
        if parameters != functions[name]:
            sentences.append(f"{name} takes ({parameters}), and not ({functions[name]})")
    for name in kinds.keys() & there.keys():
        if not isinstance(there[name], kinds[name]):
            sentences.append(
                f"{name} is of type {type(there[name]).__name__}, and not {kinds[name].__name__}"
            )
    return sorted(sentences)


def found(name):
    """What stands at `module:attribute.attribute`. Raises ImportError, AttributeError."""
    module, _, path = name.partition(":")
    value = importlib.import_module(module)
    for attribute in path.split("."):
        value = getattr(value, attribute)
    return value


if __name__ == "__main__":
    for sentence in changed(FUNCTIONS, KINDS):
        print(sentence)
