"""The one settings file: everything that differs between installations comes from the environment.

Every variable read here is listed in docs/running.md; a test compares the two.
"""

import json
import os
import secrets
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]


def env(name: str, default: str = "") -> str:
    """One variable of the environment as text."""
    return os.environ.get(name, default)


def env_bool(name: str, default: bool = False) -> bool:
    """One variable as a yes or no: 1, true, yes and on are yes."""
    value = os.environ.get(name)
    return default if value is None else value.strip().lower() in {"1", "true", "yes", "on"}


def env_list(name: str, default: str = "") -> list[str]:
    """One variable as a comma-separated list."""
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


VAR_DIR = Path(env("BELL_VAR_DIR", str(ROOT / "var")))
DEMO = env_bool("BELL_DEMO")
SITE_NAME = env("BELL_SITE_NAME", "Derbyshire Alert")
DEBUG = env_bool("BELL_DEBUG")
SITE_URL = env("BELL_SITE_URL", "http://localhost:8000").rstrip("/")
ALLOWED_HOSTS = env_list("BELL_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = [SITE_URL]


def _secret() -> str:
    """The secret key: from the environment, else (demo only) one made at first start and kept under var/."""
    given = env("BELL_SECRET_KEY")
    if given:
        return given
    if not DEMO:
        raise ImproperlyConfigured("BELL_SECRET_KEY is missing: set it to 50 or more random characters.")
    kept = VAR_DIR / "secret-key"
    if not kept.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        kept.write_text(secrets.token_urlsafe(50))
        kept.chmod(0o600)
    return kept.read_text().strip()


SECRET_KEY = _secret()
# Keys of the tokens that messages carry. The first signs; the others still verify, so that links outlive a rotation.
TOKEN_KEYS = env_list("BELL_TOKEN_KEYS") or [SECRET_KEY]
# Keys the keyed hash of an address; changing it would forget every suppression, so it never rotates by itself.
ADDRESS_KEY = env("BELL_ADDRESS_KEY") or SECRET_KEY

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "bell.ui",
    "bell.audit",
    "bell.places",
    "bell.delivery",
    "bell.organisations",
    "bell.residents",
    "bell.alerts",
    "bell.conversations",
    "bell.evidence",
    "bell.privacy",
    "bell.sharing",
    "bell.insight",
    "bell.public",
    "bell.staff",
    "bell.api",
    "bell.worker",
    "bell.cli",
    "bell.config",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
if DEMO:
    INSTALLED_APPS.append("bell.proving")

MIDDLEWARE = [
    "bell.config.logs.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "bell.public.kept.Kept",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "bell.config.urls"
WSGI_APPLICATION = "bell.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bell.config.context.site",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
# After bell.ui, whose templates/django/forms then win: every form, even a library's, draws itself in our components.
INSTALLED_APPS.append("django.forms")

DATABASE_URL = env("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'bell.sqlite3'}"
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # One writer at a time, waiting its turn: with DEFERRED, a read that turns into a write fails at once as "locked".
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL",
    }

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "bell_cache",
    }
}

AUTH_USER_MODEL = "organisations.Officer"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "bell.organisations.signin.OfficerAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # officers' addresses are set by an administrator
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_PREVENT_ENUMERATION = True
# A second factor on every path in, but in the demo, where anyone may act as anyone and nobody is real.
SECOND_FACTOR = not DEMO
MFA_ADAPTER = "bell.organisations.signin.FactorAdapter"
MFA_FORMS = {
    "add_webauthn": "bell.staff.forms.keys.AddForm",
    "authenticate_webauthn": "bell.staff.forms.keys.AuthenticateForm",
    "login_webauthn": "bell.staff.forms.keys.LoginForm",
    "reauthenticate_webauthn": "bell.staff.forms.keys.ReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEMO
MFA_TOTP_ISSUER = SITE_NAME
MFA_TOTP_TOLERANCE = 1  # one step of half a minute either way, as RFC 6238 5.2 allows for clocks that differ
# Identity providers of officers (OpenID Connect), as a JSON list; their secrets stand in it.
OIDC_PROVIDERS = env("BELL_OIDC_PROVIDERS")
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/desk/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
# Beside the code in an image, so that a volume over BELL_VAR_DIR does not hide what the image brought.
STATIC_ROOT = Path(env("BELL_STATIC_DIR") or VAR_DIR / "static")
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "bell.ui.finders.FrontEndPackagesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "bell.ui.storage.HashedStorage"},
}
NODE_MODULES = ROOT / "node_modules"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        # The demo's stage shows the desk in a frame of the same site; a deployment never lets itself be framed.
        "frame-ancestors": [SELF] if DEMO else [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "SAMEORIGIN" if DEMO else "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
HTTPS = SITE_URL.startswith("https://")
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("BELL_BEHIND_PROXY") else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "bell-session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "bell-csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 60 * 60 * 12
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# The post room.
SMTP_URL = env("BELL_SMTP_URL", "smtp://127.0.0.1:2525")
SMTP_DEADLINE_SECONDS = int(env("BELL_SMTP_DEADLINE_SECONDS", "60"))
SMTP_CONNECTIONS = int(env("BELL_SMTP_CONNECTIONS", "10"))
SMTP_PER_SECOND = float(env("BELL_SMTP_PER_SECOND", "0"))
# "smtp" is the relay above; else a name of django-anymail's, whose own settings are given as BELL_ANYMAIL_NAME.
EMAIL_PROVIDER = env("BELL_EMAIL_PROVIDER", "smtp")
ANYMAIL = {"REQUESTS_TIMEOUT": (5, 20)} | {
    name.removeprefix("BELL_ANYMAIL_"): json.loads(value) if value[:1] in "[{" and value else value
    for name, value in os.environ.items()
    if name.startswith("BELL_ANYMAIL_")
}
MAIL_DOMAIN = env("BELL_MAIL_DOMAIN", "alert.example")
REPLY_DOMAIN = env("BELL_REPLY_DOMAIN", "in.alert.example")
LMTP_LISTEN = env("BELL_LMTP_LISTEN", "127.0.0.1:2424")
SMS_GATEWAYS = env_list("BELL_SMS_GATEWAYS", "simulator")
SMS_GATEWAY_URL = env("BELL_SMS_GATEWAY_URL", "http://127.0.0.1:8025")
SMS_GATEWAY_SECRET = env("BELL_SMS_GATEWAY_SECRET", "demo-gateway-secret" if DEMO else "")
KANNEL_URL = env("BELL_KANNEL_URL", "http://127.0.0.1:13013/cgi-bin/sendsms")
KANNEL_USER = env("BELL_KANNEL_USER")
KANNEL_PASSWORD = env("BELL_KANNEL_PASSWORD")
KANNEL_SECRET = env("BELL_KANNEL_SECRET")
NOTIFY_URL = env("BELL_NOTIFY_URL", "https://api.notifications.service.gov.uk")
NOTIFY_API_KEY = env("BELL_NOTIFY_API_KEY")
NOTIFY_TEMPLATE = env("BELL_NOTIFY_TEMPLATE")
NOTIFY_SENDER = env("BELL_NOTIFY_SENDER")
NOTIFY_CALLBACK_TOKEN = env("BELL_NOTIFY_CALLBACK_TOKEN")
TWILIO_URL = env("BELL_TWILIO_URL", "https://api.twilio.com")
TWILIO_ACCOUNT = env("BELL_TWILIO_ACCOUNT")
TWILIO_AUTH_TOKEN = env("BELL_TWILIO_AUTH_TOKEN")
TWILIO_MESSAGING_SERVICE = env("BELL_TWILIO_MESSAGING_SERVICE")
VONAGE_URL = env("BELL_VONAGE_URL", "https://api.nexmo.com")
VONAGE_API_KEY = env("BELL_VONAGE_API_KEY")
VONAGE_API_SECRET = env("BELL_VONAGE_API_SECRET")
VONAGE_SIGNATURE_SECRET = env("BELL_VONAGE_SIGNATURE_SECRET")
SMS_NUMBER = env("BELL_SMS_NUMBER", "+447700900100")
SMS_PENCE_PER_SEGMENT = float(env("BELL_SMS_PENCE_PER_SEGMENT", "2.4"))
SMS_CONNECTIONS = int(env("BELL_SMS_CONNECTIONS", "10"))
SMS_PER_SECOND = float(env("BELL_SMS_PER_SECOND", "0"))
SMS_NUMBER_CAP = int(env("BELL_SMS_NUMBER_CAP", "20"))
SMS_SPEND_DAY_PENCE = int(env("BELL_SMS_SPEND_DAY_PENCE", "0"))
SMS_SPEND_MONTH_PENCE = int(env("BELL_SMS_SPEND_MONTH_PENCE", "0"))
BATCH_SIZE = int(env("BELL_BATCH_SIZE", "1000"))
LEASE_SECONDS = int(env("BELL_LEASE_SECONDS", "30"))
UNCERTAIN_RETRY_SECONDS = int(env("BELL_UNCERTAIN_RETRY_SECONDS", "600"))
RETRY_SECONDS = float(env("BELL_RETRY_SECONDS", "60"))
HOLD_SECONDS_ROUTINE = int(env("BELL_HOLD_SECONDS_ROUTINE", "30"))
HOLD_SECONDS_URGENT = int(env("BELL_HOLD_SECONDS_URGENT", "5"))
APPROVAL_HOURS = int(env("BELL_APPROVAL_HOURS", "24"))
APPROVAL_HOURS_URGENT = int(env("BELL_APPROVAL_HOURS_URGENT", "2"))
APPROVAL_DAYS = int(env("BELL_APPROVAL_DAYS", "7"))
# Invented people stay invented: with this on, only loopback relays and gateways and invented addresses are accepted.
INVENTED_ONLY = env_bool("BELL_INVENTED_ONLY", DEMO)

# Evidence: where files lie, how large one may be, what must stay free on the disk, when a half-sent one is dropped.
EVIDENCE_DIR = Path(env("BELL_EVIDENCE_DIR") or VAR_DIR / "evidence")
UPLOAD_MOST_BYTES = int(env("BELL_UPLOAD_MOST_BYTES", str(5 * 1024**3)))
UPLOAD_KEEP_FREE_BYTES = int(env("BELL_UPLOAD_KEEP_FREE_BYTES", str(1024**3)))
UPLOAD_KEEP_HOURS = int(env("BELL_UPLOAD_KEEP_HOURS", "72"))
CLAMD = env("BELL_CLAMD")

# The demo's catchers (real servers on loopback).
CATCHER_SMTP = env("BELL_CATCHER_SMTP", "127.0.0.1:2525")
CATCHER_HTTP = env("BELL_CATCHER_HTTP", "127.0.0.1:8025")

# Where the head of the record's chain is kept each day (I7): best on another disk.
AUDIT_DIR = Path(env("BELL_AUDIT_DIR") or VAR_DIR / "audit")

# Scans of paper forms: proofs of consent. Never under a path that the web serves.
PAPER_DIR = Path(env("BELL_PAPER_DIR") or VAR_DIR / "paper")

# Looking after it: /metrics answers to this bearer token only; what `bell doctor` asks about our mail records.
METRICS_TOKEN = env("BELL_METRICS_TOKEN")
DNS_RESOLVER = env("BELL_DNS_RESOLVER")
DKIM_SELECTORS = env_list("BELL_DKIM_SELECTOR")
# Only where we sign ourselves and not the relay: private keys in PEM, one for each selector, in the same order.
DKIM_KEY_FILES = env_list("BELL_DKIM_KEY_FILE")
DKIM_DOMAIN = env("BELL_DKIM_DOMAIN") or MAIL_DOMAIN

LOG_LEVEL = env("BELL_LOG_LEVEL", "INFO")
LOG_FORMAT = "json" if env("BELL_LOG_FORMAT") == "json" else "line"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
        "json": {"()": "bell.config.logs.JsonLines"},
    },
    "filters": {"redact": {"()": "bell.config.logs.Redact"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["redact"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"mail.log": {"level": "WARNING"}},
}
