"""What the shopper is told by e-mail: from whom, through which server, and how often it is tried.
Names are settings (see docs/operations.md)."""

from checkout_project.environment import DATA_DIR, env

MAIL_DOMAIN = env.str("MAIL_DOMAIN", default="checkout.example")
MAIL_SHOP_NAME = env.str("MAIL_SHOP_NAME", default=MAIL_DOMAIN)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"orders@{MAIL_DOMAIN}")
MAIL_REPLY_TO = env.str("MAIL_REPLY_TO", default="")  # unset: answers go to the sender
# The shop's own page of an order, `{number}` in it for the order's; unset: no link.
MAIL_ORDER_URL = env.str("MAIL_ORDER_URL", default="")
if env.str("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = env.str("MAIL_FOLDER", default=str(DATA_DIR / "mail"))
EMAIL_TIMEOUT = 10
# How long one worker may be at an e-mail; what failed waits as long at first, then ever longer.
NOTIFICATION_LEASE_SECONDS = env.float("NOTIFICATION_LEASE_SECONDS", default=60.0)
NOTIFICATION_TRIES_MAX = 5
