"""Declines as a CRM sends them, by the way that they take and by their size."""
import datetime
import json
import pathlib
import re

from wire import properties

examples = pathlib.Path(__file__).resolve().parents[2] / "schemas/examples/declines"

# What becomes of each: the example that it is made of, and its token at the sandbox.
WAYS = {
    "approved": ("approve", "tok_approve"), "declined": ("approve", "tok_decline"), "hard": ("hard-decline", "tok_approve"),
    "retry": ("rerun", "tok_managed_expire"), "completed": ("rerun", "tok_managed_approve"),
}
KEYS = {"retry": "decline.rerun", "completed": "decline.rerun"}


def key(way):
    return KEYS.get(way, "decline.initial")


def template(way, merchant="acme", large=False):
    name, token = WAYS[way]
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    event = json.loads(re.sub(r"\$NOW[-0-9a-z]*", now, (examples / f"{name}.json").read_text()))
    data = event["data"]
    data["merchantId"] = merchant
    # A token of its own for each: the sandbox, as FlexFactor, does not charge one twice at once.
    data["paymentMethod"]["token"] = f"{token}.$RUN"
    if large:
        data["shipping"] = data["billing"] | {"addressLine2": "Apartment 14, second stair, bell of Babbage", "city": "North Troy"}
        data["siteUrl"], data["descriptor"] = "https://shop.example.test/spring/cart?step=payment", "CREAMS BY ADA"
        data["order"]["items"] = [
            {"sku": f"CREAM-{number:02d}-REFILL", "name": f"Cream for day and night, no. {number}", "amount": 1299 + number, "quantity": 1}
            for number in range(24)
        ]
        data["amount"]["minorUnits"] = sum(item["amount"] for item in data["order"]["items"])
    return json.dumps(event, separators=(",", ":"))


def declines(way, count, run, large=False, merchants=("acme",)):
    """So many messages, of which none is like another; `run` tells them from those of other rounds."""
    templates = [template(way, merchant, large) for merchant in merchants]
    for number in range(count):
        mark = f"{run}{number:07d}"
        yield properties(message_id=f"decline-{mark}"), templates[number % len(templates)].replace("$RUN", mark).encode()
