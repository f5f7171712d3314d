"""How an officer is known at an identity provider (decision 16)."""

from django.db import models


class SignOnLink(models.Model):
    """An officer's account at an identity provider: the pair (issuer, subject) and nothing that can be renamed."""

    officer = models.ForeignKey("organisations.Officer", on_delete=models.CASCADE, related_name="links")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField()

    class Meta:
        """One account there for one here, both ways."""

        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="link_of_one_officer"),
            models.UniqueConstraint(fields=["officer", "issuer"], name="link_once_at_each_issuer"),
        ]

    def __str__(self) -> str:
        return f"{self.officer_id} at {self.issuer}"
