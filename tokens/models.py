"""API tokens, by which clients are known."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.texts import NAME_LENGTH, is_name
from objects.authorship import AuthoredModel
from objects.changes import refusal
from objects.field_changes import FieldChange, column_changes
from tokens import peppers, secrets

LARGEST_LIMIT = 100
LONGEST_WINDOW_SECONDS = 86_400
_RATE = ("rate_limit", "rate_window_seconds")


class ApiToken(AuthoredModel):
    """A client's key to the APIs that allow it. Only a peppered digest of its secret is stored."""

    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    secret_digest = models.CharField(max_length=64, unique=True, editable=False)
    pepper_id = models.PositiveIntegerField(editable=False, db_index=True)
    is_disabled = models.BooleanField(gettext_lazy("disabled"), default=False)
    rate_limit = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text=format_lazy(gettext_lazy("Requests in a window, 1 to {}; empty for no limit."), LARGEST_LIMIT),
    )
    rate_window_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text=format_lazy(gettext_lazy("Length of the window, 1 to {} seconds."), LONGEST_WINDOW_SECONDS),
    )
    # When the token last triggered something, to the minute. `tokens.tasks` sets it without changing the revision.
    last_used = models.DateTimeField(null=True, editable=False)

    in_use_reason = "TokenInUse"
    own_rules = frozenset({"name", "rate_limit", "rate_window_seconds"})
    # The digest of a new secret that a user has chosen; a generated one cannot be another token's.
    _given_digests: Mapping[int, str] | None = None
    # Whether the next save gives it a secret: a change even if that is the stored one.
    _gets_secret = False

    class Meta(AuthoredModel.Meta):
        abstract = False
        verbose_name = gettext_lazy("token")
        ordering = ["name", "id"]
        indexes = [
            models.Index(name="token_by_name", fields=["name", "id"]),
            models.Index(name="token_by_change", fields=["last_modified"]),
            models.Index(name="token_by_use", fields=["last_used"]),
        ]
        permissions = [
            ("ui_available", "User-defined APIs > Tokens > UI available"),
            ("add_edit", "User-defined APIs > Tokens > Add/Edit"),
            ("delete", "User-defined APIs > Tokens > Delete"),
        ]
        constraints = [
            models.CheckConstraint(name="token_name_not_blank", condition=Q(name__regex=r"\S")),
            models.CheckConstraint(
                name="token_rate_limit",
                condition=Q(rate_limit__isnull=True, rate_window_seconds__isnull=True)
                | Q(
                    # A comparison with NULL is no violation: half a rate limit would pass.
                    rate_limit__isnull=False,
                    rate_window_seconds__isnull=False,
                    rate_limit__range=(1, LARGEST_LIMIT),
                    rate_window_seconds__range=(1, LONGEST_WINDOW_SECONDS),
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def set_secret(self, secret: str | None) -> str:
        """Take `secret`, or generate one when it is None; the caller saves the token afterwards.

        Returns the secret, which is available only here.

        Raises:
            ValidationError: `InvalidSecret`: it is malformed, or has our prefix without the checksum.
        """
        is_given = secret is not None
        secret = secrets.generate() if secret is None else secret
        if not secrets.is_well_formed(secret):
            rule = _(
                "A secret has {} to {} characters out of A-Z a-z 0-9 _ - . = + / and, where it begins with {}, "
                "a valid checksum."
            )
            raise refusal("InvalidSecret", rule.format(secrets.SHORTEST, secrets.LONGEST, secrets.PREFIX))
        digests = peppers.digests(secret)
        self._given_digests, self._gets_secret = digests if is_given else None, True
        self.pepper_id = peppers.current_id()
        self.secret_digest = digests[self.pepper_id]
        return secret

    def set_digest(self, digest: str, pepper_id: int) -> None:
        """Take over the digest of a secret from another installation with the same pepper.

        Raises:
            ValidationError: `InvalidSecret`: it is not a digest.
        """
        if not secrets.is_digest(digest):
            raise refusal("InvalidSecret", _("A digest has 64 hexadecimal digits."))
        self._given_digests = {pepper_id: digest}
        self.pepper_id, self.secret_digest = pepper_id, digest

    def changes_from(self, stored: Mapping[str, Any]) -> Iterator[FieldChange]:
        """The two columns of the rate limit are one change; of a new secret, only that there is one is shown."""
        yield from column_changes(self, stored, but=_RATE)
        after = [getattr(self, column) for column in _RATE]
        before = [stored.get(column, now) for column, now in zip(_RATE, after, strict=True)]
        if before != after:
            yield FieldChange("rate_limit", *(None if None in limit else limit for limit in (before, after)))
        if self._gets_secret or ("secret_digest" in stored and stored["secret_digest"] != self.secret_digest):
            yield FieldChange("secret")

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        super().save_base(*args, **kwargs)
        self._gets_secret = False

    @classmethod
    def hold_for(cls, instances: Sequence[Self]) -> None:
        """Lock while peppers change: two processes could store the same secret under different ones."""
        if any(len(token._given_digests or ()) > 1 for token in instances):
            ContentType.objects.select_for_update().get(app_label="tokens", model="apitoken")

    def faults(self) -> Iterator[tuple[str, ValidationError]]:
        """`InvalidName`, `InvalidRateLimit` (+ `message`), `InvalidSecret`."""
        if not is_name(self.name):
            rule = _("A name of 1 to %(most)d characters is needed.") % {"most": NAME_LENGTH}
            yield "name", refusal("InvalidName", rule)
        if not self._rate_limit_is_valid():
            rule = _("A rate limit needs a limit of 1 to {} requests and a window of 1 to {} seconds, or neither.")
            rule = rule.format(LARGEST_LIMIT, LONGEST_WINDOW_SECONDS)
            yield "rate_limit", refusal("InvalidRateLimit", rule, message=rule)
        digests = (self._given_digests or {}).values()
        if ApiToken.objects.exclude(pk=self.pk).filter(secret_digest__in=digests).exists():
            yield "secret_digest", refusal("InvalidSecret", _("Another token has this secret."))

    def _rate_limit_is_valid(self) -> bool:
        match self.rate_limit, self.rate_window_seconds:
            case None, None:
                return True
            case int(limit), int(window):
                return 1 <= limit <= LARGEST_LIMIT and 1 <= window <= LONGEST_WINDOW_SECONDS
        return False
