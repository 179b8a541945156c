"""Signing in: passwords of people and of the operator, kept as argon2id hashes."""

import argon2

from myna.network import Person, Problem, Records
from myna.network.store import Store

_OPERATOR = "operator"
SHORTEST = 10
"""Characters a password must have (NIST SP 800-63B asks for 8 or more)."""


class Accounts:
    """Who can sign in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records = Records(store, "account")
        self._hasher = argon2.PasswordHasher()

    @property
    def has_operator(self) -> bool:
        """Whether the operator account has been made."""
        return self._records.get(_OPERATOR) is not None

    def sign_up_operator(self, password: str) -> None:
        """Makes the operator account. Raises Problem if there is one."""
        if self.has_operator:
            raise Problem("There is an operator account already; sign in with it.", 409)
        self._records.put(_OPERATOR, {"hash": self._hash(password)})

    def check_operator(self, password: str) -> bool:
        """Whether this is the operator's password."""
        return self._matches(_OPERATOR, password)

    def set_password(self, person_id: str, password: str) -> None:
        """Gives a person a password to sign in with."""
        self._records.put(person_id, {"hash": self._hash(password)}, owner=person_id)

    def check_password(self, handle: str, password: str) -> Person:
        """The person of this handle and password. Raises one Problem for a wrong handle and a wrong password alike."""
        refusal = Problem("No person has this handle and password. Check both, or ask the operator.", 401)
        try:
            person = self._store.person(handle)
        except Problem:
            self._matches("", password)  # takes as long as for a person there is
            raise refusal from None
        if not self._matches(person.id, password):
            raise refusal
        return person

    def _hash(self, password: str) -> str:
        if len(password) < SHORTEST:
            raise Problem(f"A password needs at least {SHORTEST} characters.", 422)
        if len(password) > 1000:
            raise Problem("A password can have at most 1,000 characters.", 422)
        return self._hasher.hash(password)

    def _matches(self, id: str, password: str) -> bool:
        body = self._records.get(id) if id else None
        try:
            return self._hasher.verify(body["hash"] if body else _NOBODY, password) and body is not None
        except argon2.exceptions.VerificationError:
            return False


_NOBODY = argon2.PasswordHasher().hash("the password of nobody")
