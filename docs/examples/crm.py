#!/usr/bin/python3
"""A CRM's side of Salvage: publishes declines, takes the answer to one, acts on results, cancels a retry.

    SALVAGE_BROKER_URL=amqp://guest:guest@localhost python3 crm.py

Debian: python3-pika. A live sale, whose customer waits for the answer, and a rebill, whose subscriber then leaves; each until its end.
"""
import datetime, json, os, signal, uuid
import pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["SALVAGE_BROKER_URL"]))
channel = connection.channel()
channel.confirm_delivery()


def publish(routing_key, event, **properties):
    """Returns when the broker has the event. What ends before that is published again, with the same id: a repeat changes nothing."""
    signal.alarm(10)  # no confirm: end, and begin anew with what was not confirmed
    channel.basic_publish(  # raises where it is refused, or comes back because nothing is bound
        "declines", routing_key, json.dumps(event), mandatory=True,
        properties=pika.BasicProperties(
            content_type="application/cloudevents+json", message_id=event["id"], delivery_mode=2, **properties))  # 2: kept on disk
    signal.alarm(0)


def event(kind, id, data):
    return {
        "specversion": "1.0", "id": id, "source": "https://crm.example", "type": f"com.salvage.{kind}.v1",
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(), "data": data,  # of a decline: when it was declined
    }


def decline(trigger, order, token, **more):
    # One id per decline, kept with it: whatever is published again has the same.
    return event("decline", f"decline-{order['id']}", {
        "merchantId": "acme", "trigger": trigger, "order": order,
        "decline": {"gatewayId": "7", "responseCodeSource": "nmi", "responseCode": "201", "transactionId": f"T-{order['id']}"},
        "amount": {"minorUnits": 4999, "currency": "USD"},
        "billing": {"firstName": "Ada", "lastName": "Byron", "countryCode": "US", "addressLine1": "1 Main Street",
                    "city": "Troy", "state": "NY", "zipCode": "12180"},
        "paymentMethod": {"token": token},  # FlexFactor's token of the card, never a card number
        **more,
    })


def ask(event, seconds=60):
    """Publishes a live sale's decline and returns its first answer, or None: then the result comes on the queue of results alone."""
    answers = []
    tag = channel.basic_consume("amq.rabbitmq.reply-to", lambda *answer: answers.append(json.loads(answer[3])), auto_ack=True)
    # Before what no customer waits for.
    publish("decline.initial", event, reply_to="amq.rabbitmq.reply-to", correlation_id=event["id"], priority=5)
    end = datetime.datetime.now() + datetime.timedelta(seconds=seconds)
    while not answers and datetime.datetime.now() < end:
        connection.process_data_events(1)
    channel.basic_cancel(tag)
    return answers[0] if answers else None


def cancel(order):
    publish("command.cancel", event("cancel", f"cancel-{order['id']}", {
        "merchantId": "acme", "orderId": order["id"], "purchaseId": order["purchaseId"], "billingCycle": order["billingCycle"],
        "reason": "The subscription was cancelled."}))


ended = []
known = set()  # in your database: written in the transaction in which you act


def received(channel, method, properties, body):
    result = json.loads(body)
    if result["id"] not in known:
        act(result)
        known.add(result["id"])
    channel.basic_ack(method.delivery_tag)  # only now: what was not acted on comes again


def act(result):
    data = result["data"]
    order, kind = data.get("order", {}).get("id"), result["type"].split(".")[-2]
    print("result", order, kind, data["action"]["name"], flush=True)  # what each action asks for: ../results.md
    if order == rebill["id"]:
        if kind == "submitted":
            cancel(rebill)  # the subscriber left meanwhile
        elif data["final"]:
            ended.append(order)
            channel.stop_consuming()


run = uuid.uuid4().hex[:8].upper()
sale = {"id": f"SALE-{run}", "type": "new_sale", "ipAddress": "203.0.113.7"}
rebill = {"id": f"REBILL-{run}", "type": "recurring", "purchaseId": "88123", "billingCycle": 7}

answer = ask(decline("initial", sale, "tok_approve"))
if answer:
    print("answer", answer["data"]["order"]["id"], answer["type"].split(".")[-2], answer["data"]["action"]["name"], flush=True)
publish("decline.recycle", decline("recycle", rebill, "tok_managed_expire", recovery={"reattempt": 4}))

channel.basic_qos(prefetch_count=50)
channel.basic_consume(os.environ.get("CRM_QUEUE", "crm.results"), received)
channel.start_consuming()  # returns as well where the broker ends it: the queue is gone, or its node
if not ended:
    raise SystemExit("results are no longer delivered")  # begin anew: what was not acted on comes again
connection.close()
