"""ID tokens are believed only when all of it is right; providers that could let in strangers are refused."""

import json
import time
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bell.lib import oidc

TENANT = "11111111-2222-3333-4444-555555555555"
ENTRA = oidc.Provider(
    "entra", "Force account", f"https://login.microsoftonline.com/{TENANT}/v2.0", "client", "secret", TENANT, ("mfa",)
)
KEYCLOAK = oidc.Provider("keycloak", "Our Keycloak", "https://id.force.example/realms/force", "client", "secret",
                         mfa=("gold",))  # fmt: skip
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def entra(**changes):
    """Claims as Entra ID writes them (version 2.0)."""
    return {
        "iss": ENTRA.issuer, "aud": "client", "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "tid": TENANT,
        "oid": "00000000-0000-0000-66f3-3332eca7ea81", "ver": "2.0", "iat": AT, "nbf": AT, "exp": AT + 3900,
        "nonce": "n", "preferred_username": "ana@force.example",
    } | changes  # fmt: skip


def keycloak(**changes):
    """Claims as Keycloak writes them."""
    return {
        "iss": KEYCLOAK.issuer, "aud": "client", "azp": "client", "sub": "f:1:ana", "typ": "ID", "iat": AT,
        "exp": AT + 300, "auth_time": AT, "nonce": "n", "sid": "s", "acr": "1", "email": "ana@force.example",
        "email_verified": True,
    } | changes  # fmt: skip


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    """What the providers answer; the list of keys can be changed."""
    shown = [_shown(RSA.public_key(), "one"), _shown(CURVE.public_key(), "curve")]
    asked = []

    def get(url, *, deadline, headers=None):
        asked.append(url)
        where = url.removesuffix("/.well-known/openid-configuration")
        said = {"issuer": where, "authorization_endpoint": f"{where}/auth", "token_endpoint": f"{where}/token",
                "jwks_uri": f"{where}/keys", "end_session_endpoint": f"{where}/out"}  # fmt: skip
        body = {"keys": shown} if url.endswith("/keys") else said
        return oidc.http.Reply(200, json.dumps(body).encode())

    monkeypatch.setattr(oidc.http, "get", get)
    oidc.forget()
    yield shown, asked
    oidc.forget()


def _shown(key, kid):
    made = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPublicKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(made.to_jwk(key)), "kid": kid, "use": "sig"}


def signed(claims, key=RSA, kid="one", alg="RS256"):
    return jwt.encode(claims, key, algorithm=alg, headers={"kid": kid})


def read(provider, claims, **how):
    return oidc.read(provider, signed(claims, **how), nonce="n", now=NOW)


@pytest.mark.parametrize(("provider", "claims"), [(ENTRA, entra()), (KEYCLOAK, keycloak())])
def test_who_it_is_is_issuer_and_subject(provider, claims):
    assert read(provider, claims) == oidc.Identity(provider.issuer, claims["sub"], False)


@pytest.mark.parametrize(
    ("provider", "claims", "mfa"),
    [
        (ENTRA, entra(amr=["pwd", "mfa"]), True),
        (ENTRA, entra(amr=["pwd"]), False),
        (ENTRA, entra(amr="mfa-not"), False),
        (KEYCLOAK, keycloak(acr="gold"), True),
        (KEYCLOAK, keycloak(amr=["mfa"]), False),
        (ENTRA, entra(acrs=["c1", "mfa"]), True),
    ],
)
def test_a_second_factor_counts_only_as_it_was_agreed(provider, claims, mfa):
    assert read(provider, claims).mfa is mfa


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"}, {"nonce": None}, {"nonce": 5}, {"iss": "https://evil.example"},
        {"iss": f"{KEYCLOAK.issuer}/"}, {"aud": "another"}, {"aud": ["client", "another"], "azp": None},
        {"azp": "another"}, {"aud": ["client", "another"], "azp": "another"}, {"exp": AT - 61}, {"iat": AT + 61},
        {"nbf": AT + 61}, {"iat": AT - 601}, {"sub": ""}, {"sub": None}, {"sub": "x" * 256}, {"exp": "soon"},
        {"exp": True}, {"iat": None},
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_refused(changes):
    claims = {key: value for key, value in keycloak(**changes).items() if value is not None}
    with pytest.raises(oidc.Refused):
        read(KEYCLOAK, claims)


@pytest.mark.parametrize("changes", [{"exp": AT - 59}, {"iat": AT + 59}, {"nbf": AT + 59}, {"aud": ["client"]},
                                     {"aud": ["client", "another"]}])  # fmt: skip
def test_clocks_may_differ_by_a_minute(changes):
    assert read(KEYCLOAK, keycloak(**changes)).subject == "f:1:ana"


@pytest.mark.parametrize("tid", [None, "99999999-2222-3333-4444-555555555555", ""])
def test_another_directory_is_refused_even_with_the_right_signature(tid):
    """Entra signs the tokens of every directory with the same keys."""
    claims = {key: value for key, value in entra(tid=tid).items() if value is not None}
    with pytest.raises(oidc.Refused, match="directory"):
        read(ENTRA, claims)


def test_the_email_claim_is_never_looked_at():
    assert read(ENTRA, entra(email="chief@force.example", email_verified=True)) == read(ENTRA, entra())


def test_signatures_of_others_and_of_nobody_are_refused():
    for token in (
        signed(keycloak(), key=OTHER),
        signed(keycloak(), key=OTHER, kid="two"),
        jwt.encode(keycloak(), None, algorithm="none", headers={"kid": "one"}),
        jwt.encode(keycloak(), "secret" * 8, algorithm="HS256", headers={"kid": "one"}),
        signed(keycloak(), alg="RS512"),
        signed(keycloak(), kid="curve"),
        signed(keycloak())[:-8] + "AAAAAAAA",
        "", "a.b.c", "x" * 5000,
    ):  # fmt: skip
        with pytest.raises(oidc.Refused):
            oidc.read(KEYCLOAK, token, nonce="n", now=NOW)
    assert oidc.read(KEYCLOAK, signed(keycloak(), key=CURVE, kid="curve", alg="ES256"), nonce="n", now=NOW)


def test_a_token_that_names_no_key_is_read_only_where_there_is_one(keys):
    token = jwt.encode(keycloak(), RSA, algorithm="RS256")
    with pytest.raises(oidc.Refused, match="no key"):
        oidc.read(KEYCLOAK, token, nonce="n", now=NOW)
    del keys[0][1]
    oidc.forget()
    assert oidc.read(KEYCLOAK, token, nonce="n", now=NOW).subject == "f:1:ana"
    with pytest.raises(oidc.Refused):
        oidc.read(KEYCLOAK, jwt.encode(keycloak(), OTHER, algorithm="RS256"), nonce="n", now=NOW)


def test_rotated_keys_are_asked_for_but_not_by_every_forged_token(keys, monkeypatch):
    shown, asked = keys
    clock = [1000.0]
    monkeypatch.setattr(oidc.time, "monotonic", lambda: clock[0])
    read(KEYCLOAK, keycloak())
    shown[:] = [_shown(OTHER.public_key(), "two")]
    for _ in range(5):
        with pytest.raises(oidc.Refused):
            read(KEYCLOAK, keycloak(), key=OTHER, kid="two")
    assert sum(url.endswith("/keys") for url in asked) == 1
    clock[0] += 31
    assert read(KEYCLOAK, keycloak(), key=OTHER, kid="two").subject == "f:1:ana"
    assert sum(url.endswith("/keys") for url in asked) == 2


def test_the_question_has_state_nonce_and_pkce_and_asks_for_nothing_but_who():
    url, pending = oidc.begin(KEYCLOAK, back="https://alert.example/back/")
    asked = dict(part.split("=") for part in url.partition("?")[2].split("&"))
    assert asked["scope"] == "openid" and asked["code_challenge_method"] == "S256" and "prompt" not in asked
    assert (asked["state"], asked["nonce"]) == (pending.state, pending.nonce) and pending.verifier not in url
    assert len(pending.verifier) >= 43 and len({pending.state, pending.nonce, pending.verifier}) == 3
    assert "prompt=login" in oidc.begin(KEYCLOAK, back="https://alert.example/back/", again=True)[0]


@pytest.mark.parametrize(
    ("answer", "late"),
    [({"state": "x", "code": "c"}, 0), ({"code": "c"}, 0), ({"error": "access_denied"}, 0), ({}, 0),
     ({"code": "c", "iss": "https://evil.example"}, 0), ({"code": "c"}, 601)],
)  # fmt: skip
def test_answers_to_other_questions_are_refused_before_anything_is_asked(answer, late):
    _, pending = oidc.begin(KEYCLOAK, back="https://alert.example/back/")
    answer = {"state": pending.state} | answer if answer else answer
    pending = oidc.Pending(**{**pending.__dict__, "at": time.time() - late})
    if answer == {"state": pending.state, "code": "c"} and not late:
        answer = {"code": "c"}
    with pytest.raises(oidc.Refused):
        oidc.finish(KEYCLOAK, pending, answer, back="https://alert.example/back/", now=NOW)


def test_a_provider_that_calls_itself_otherwise_is_not_used(monkeypatch):
    other = oidc.Provider("a", "A", "https://id.force.example/realms/force/", "client", "secret")
    with pytest.raises(oidc.Unreachable, match="another issuer"):
        oidc.about(other)


GOOD = {"name": "keycloak", "label": "Ours", "issuer": "https://id.example/r", "client_id": "c", "client_secret": "s"}


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://id.example/r"}, {"issuer": "http://localhost.evil.example"}, {"issuer": ""},
        {"issuer": "https://id.example/r?x=1"}, {"issuer": "https://user@id.example"}, {"issuer": "ftp://id.example"},
        {"client_secret": ""}, {"client_secret": " "}, {"client_id": ""}, {"label": ""}, {"name": "A b"}, {"name": ""},
        {"secret": "x"}, {"mfa": "mfa"}, {"client_id": 5},
        {"issuer": "https://login.microsoftonline.com/common/v2.0"},
        {"issuer": "https://login.microsoftonline.com/organizations/v2.0", "tenant": "organizations"},
        {"issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0"},
        {"issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0", "tenant": TENANT.replace("1", "9")},
    ],
)  # fmt: skip
def test_nonsense_is_refused(changes):
    with pytest.raises(oidc.BadProvider):
        oidc.providers(json.dumps([GOOD | changes]))


@pytest.mark.parametrize("text", ["{", "{}", "[1]", json.dumps([GOOD, GOOD]), json.dumps([GOOD, GOOD | {"name": "b"}])])
def test_what_is_no_list_of_providers_is_refused(text):
    with pytest.raises(oidc.BadProvider):
        oidc.providers(text)


def test_good_ones_are_read():
    assert oidc.providers("") == ()
    local = GOOD | {"name": "local", "issuer": "http://127.0.0.1:8080/realms/x", "mfa": ["gold"]}
    one, two = oidc.providers(json.dumps([GOOD, local]))
    assert one.name == "keycloak" and two.mfa == ("gold",)


def test_the_way_out_says_who_we_are():
    assert oidc.way_out(KEYCLOAK, back="https://alert.example/").startswith(f"{KEYCLOAK.issuer}/out?client_id=client&")
