"""What API Gateway is answered, and who may call."""

import base64
import hashlib
import hmac
import json
import time


def answer(status, members):
    """An HTTP answer with a JSON body."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(members),
    }


def data(members):
    """200, with these members."""
    return answer(200, {"success": True, "data": members})


def refused(status, code):
    """A refusal."""
    return answer(status, {"error": code, "code": code, "details": {}})


def caller(event, *scopes):
    """The caller's `sub` where its token has one of the scopes, and whether it may see other people's orders; or None."""
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    held = claims["scope"].split()
    if not any(scope in held for scope in scopes):
        return None, False
    return claims["sub"], "payments:charge" in held or "payments:refund" in held


def utc(seconds):
    """ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def digest(prefix, *parts):
    """A number that follows from these parts."""
    return prefix + base64.b32encode(hashlib.sha256(json.dumps(parts).encode()).digest()).decode()[:26]


def token(claims, secret):
    """A JWT by HS256 (RFC 7515)."""
    signed = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    mac = hmac.digest(secret.encode(), signed, "sha256")
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()
