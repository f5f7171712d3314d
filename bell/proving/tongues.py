"""The demo's other languages: who reads them, and what one warning says in two of them.

The translations were made for the demo by its makers; nobody relies on them, and a force has its own translators.
"""

# One in so many people of the demo reads it best; the numbers are prime, so that the groups hardly meet.
_READERS = {"pl": 43, "ur": 71, "pa": 89, "ro": 97}
# The first people of the demo are its personas: one of them has an Urdu phone.
_PERSONAS = {1: "ur"}
_FIRST = 10

SCAM = {
    "pl": {
        "title": "Oszuści podają się za dział bezpieczeństwa banku",
        "body": (
            "Do kilku osób w hrabstwie zadzwonił ktoś, kto znał ich nazwisko i twierdził, że ich oszczędności są "
            "zagrożone. Proszono o przelanie pieniędzy na „bezpieczne konto”.\n\n"
            "- **Odłóż słuchawkę.** Bank nigdy nie prosi o przelanie pieniędzy.\n"
            "- Odczekaj pięć minut i zadzwoń pod numer podany na odwrocie karty.\n"
            "- Powiedz o tym sąsiadom."
        ),
        "sms_text": "",
        "fields": {},
    },
    "ur": {
        "title": "بینک کے فراڈ ڈیپارٹمنٹ کے نام پر جعلی کالیں",
        "body": (
            "کاؤنٹی میں کئی لوگوں کو کسی ایسے شخص نے فون کیا جو ان کا نام جانتا تھا اور کہا کہ ان کی بچت خطرے میں ہے۔ "
            "ان سے کہا گیا کہ رقم ایک ”محفوظ اکاؤنٹ“ میں منتقل کریں۔\n\n"
            "- **فون بند کر دیں۔** آپ کا بینک کبھی رقم منتقل کرنے کو نہیں کہتا۔\n"
            "- پانچ منٹ انتظار کریں، پھر اپنے کارڈ کی پشت پر لکھے نمبر پر فون کریں۔\n"
            "- اپنے پڑوسیوں کو بھی بتائیں۔"
        ),
        "sms_text": "",
        "fields": {},
    },
}


def of_person(number: int) -> str:
    """The language of the demo's person with this number, "" for English."""
    if number < _FIRST:
        return _PERSONAS.get(number, "")
    return next((tag for tag, each in _READERS.items() if number % each == 0), "")
