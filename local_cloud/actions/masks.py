"""What no log may show: secrets, as they are and in the forms that programs print them in."""

import json
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "***"


class Masks:
    """Grows while a run goes on: a step can add to it. A secret of several lines is hidden line by line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._texts: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        lines = [line.strip("\r") for line in [secret, *secret.split("\n")]]
        forms = {form for line in lines if line.strip() for form in _forms(line)}
        # The longest first: one secret may be a part of another.
        self._texts = sorted({*self._texts, *forms}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        for secret in self._texts:
            text = text.replace(secret, HIDDEN)
        return text


def _forms(secret: str) -> set[str]:
    encoded = secret.encode()
    # In base64 a secret looks different at each offset; what its neighbours have a part in is left out.
    shifted = {b64encode(b"\0" * shift + encoded).decode()[(0, 2, 3)[shift] :] for shift in range(3)}
    inner = {text.rstrip("=")[: -1 if text.endswith("=") else None] for text in shifted}
    forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret)}
    return forms | {quote(secret, safe="")} | {text for text in inner if len(text) >= 8}
