"""What boto3's errors mean to a caller: try later, never, or a wrapped key that does not open.

Error codes: AWS KMS API Reference, "Errors" of GenerateDataKey and Decrypt, and "Common Errors".
"""

import re
from typing import NamedTuple

from botocore import exceptions as boto

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

_THROTTLED = frozenset({
    "LimitExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
})  # fmt: skip
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException"})
_NEVER = frozenset({"IncorrectKeyException", "InvalidCiphertextException"})
_LATER = {
    "DependencyTimeoutException": "timed out inside KMS",
    "KMSInternalException": "failed inside KMS",
    "KeyUnavailableException": "found the key unavailable for now",
    "RequestTimeout": "timed out",
    "RequestTimeoutException": "timed out",
}
_REFUSED = {
    "AccessDeniedException": "was denied; allow it in the key policy and IAM, with this encryption context",
    "DisabledException": "found the key disabled; enable it",
    "InvalidKeyUsageException": "needs a symmetric encryption key",
    "InvalidSignatureException": "was refused for its signature; check the credentials and the clock",
    "KMSInvalidStateException": "found the key in a state that forbids it, such as pending deletion",
    "NotFoundException": "found no such key; check account, region and KMS_KEY_ARN",
    "UnrecognizedClientException": "was refused for its credentials",
}
_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
)
_PRINTABLE_CODE = re.compile(r"[A-Za-z.]{1,64}")


class Refusal(NamedTuple):
    """Why a call failed. `never`: this wrapped key does not open. `cause`: boto3's error, if harmless."""

    reason: str
    retryable: bool = False
    throttled: bool = False
    expired: bool = False
    never: bool = False
    cause: Exception | None = None


def refusal(error: Exception) -> Refusal:
    """What an error of boto3 means."""
    if isinstance(error, boto.ClientError):
        return _of_answer(error)
    if isinstance(error, boto.BotoCoreError):
        return _of_attempt(error)
    return Refusal(f"failed with {type(error).__name__}")  # its text may quote a reply, and so a key


def _of_answer(error: "boto.ClientError") -> Refusal:
    """KMS answered, with an error."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLED or status == 429:
        return Refusal("was throttled", retryable=True, throttled=True, cause=error)
    if code in _EXPIRED:
        return Refusal("was refused: the credentials have expired", expired=True, cause=error)
    if code in _NEVER:
        return Refusal("does not open this wrapped key", never=True)
    if code in _REFUSED:
        return Refusal(_REFUSED[code], cause=error)
    if code in _LATER or status >= 500:
        return Refusal(_LATER.get(code, "failed inside KMS"), retryable=True, cause=error)
    shown = f" ({code})" if _PRINTABLE_CODE.fullmatch(code) else ""
    return Refusal(f"was refused{shown}", cause=error)


def _of_attempt(error: "boto.BotoCoreError") -> Refusal:
    """KMS was not reached, or did not answer."""
    if isinstance(error, boto.SSLError):
        return Refusal("was not sent: the server's certificate is not to be trusted", cause=error)
    if isinstance(error, _CREDENTIALS):
        return Refusal("was not sent: no credentials for AWS", cause=error)
    if isinstance(error, boto.ReadTimeoutError | boto.ConnectTimeoutError):
        return Refusal("timed out", retryable=True, cause=error)
    if isinstance(error, boto.ConnectionError | boto.HTTPClientError | boto.IncompleteReadError):
        return Refusal("got no answer", retryable=True, cause=error)
    return Refusal(f"was not sent ({type(error).__name__})", cause=error)
