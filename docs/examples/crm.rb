#!/usr/bin/env ruby
# A CRM's side of Salvage: publishes declines, takes the answer to one, acts on results, cancels a retry.
#
#     SALVAGE_BROKER_URL=amqp://guest:guest@localhost ruby crm.rb
#
# Debian: ruby-bunny. A live sale, whose customer waits for the answer, and a rebill, whose subscriber then leaves; each until its end.
require "bunny"
require "json"
require "securerandom"
require "set"
require "time"
require "timeout"

$stdout.sync = true
connection = Bunny.new(ENV.fetch("SALVAGE_BROKER_URL"))
connection.start
CHANNEL = connection.create_channel
CHANNEL.confirm_select
DECLINES = CHANNEL.topic("declines", passive: true)
RETURNED = {} # by message id: what no queue was bound for
DECLINES.on_return { |_, properties, _| RETURNED[properties.message_id] = true }

# Returns when the broker has the event. What fails before that is published again, with the same id: a repeat changes nothing.
def publish(routing_key, event, **properties)
  DECLINES.publish(JSON.generate(event), routing_key: routing_key, content_type: "application/cloudevents+json",
                   message_id: event[:id], persistent: true, mandatory: true, **properties)
  confirmed = Timeout.timeout(10) { CHANNEL.wait_for_confirms }
  raise "#{routing_key} was refused" unless confirmed
  raise "#{routing_key} came back: nothing is bound to declines" if RETURNED.delete(event[:id])
end

def event(kind, id, data)
  { specversion: "1.0", id: id, source: "https://crm.example", type: "com.salvage.#{kind}.v1",
    time: Time.now.utc.iso8601(3), data: data } # the time of a decline: when it was declined
end

# One id per decline, kept with it: whatever is published again has the same.
def decline(trigger, order, token, **more)
  event("decline", "decline-#{order[:id]}", {
    merchantId: "acme", trigger: trigger, order: order,
    decline: { gatewayId: "7", responseCodeSource: "nmi", responseCode: "201", transactionId: "T-#{order[:id]}" },
    amount: { minorUnits: 4999, currency: "USD" },
    billing: { firstName: "Ada", lastName: "Byron", countryCode: "US", addressLine1: "1 Main Street",
               city: "Troy", state: "NY", zipCode: "12180" },
    paymentMethod: { token: token }, # FlexFactor's token of the card, never a card number
    **more
  })
end

# Publishes a live sale's decline and returns its first answer; where none comes, the result comes on the queue of results alone.
def ask(event)
  answers = Queue.new
  consumer = CHANNEL.queue("amq.rabbitmq.reply-to", no_declare: true).subscribe(manual_ack: false) { |_, _, body| answers << JSON.parse(body) }
  # Before what no customer waits for.
  publish("decline.initial", event, reply_to: "amq.rabbitmq.reply-to", correlation_id: event[:id], priority: 5)
  Timeout.timeout(60) { answers.pop }
ensure
  consumer&.cancel
end

def cancel(order)
  publish("command.cancel", event("cancel", "cancel-#{order[:id]}", {
    merchantId: "acme", orderId: order[:id], purchaseId: order[:purchaseId], billingCycle: order[:billingCycle],
    reason: "The subscription was cancelled."
  }))
end

def kind_of(result)
  result["type"].split(".")[-2]
end

run = SecureRandom.hex(4).upcase
sale = { id: "SALE-#{run}", type: "new_sale", ipAddress: "203.0.113.7" }
rebill = { id: "REBILL-#{run}", type: "recurring", purchaseId: "88123", billingCycle: 7 }

answer = ask(decline("initial", sale, "tok_approve"))
puts "answer #{answer["data"]["order"]["id"]} #{kind_of(answer)} #{answer["data"]["action"]["name"]}"
publish("decline.recycle", decline("recycle", rebill, "tok_managed_expire", recovery: { reattempt: 4 }))

# Returns whether it was the rebill's end.
act = lambda do |result|
  order, kind = result.dig("data", "order", "id"), kind_of(result)
  puts "result #{order} #{kind} #{result["data"]["action"]["name"]}" # what each action asks for: ../results.md
  cancel(rebill) if order == rebill[:id] && kind == "submitted" # the subscriber left meanwhile
  order == rebill[:id] && result["data"]["final"]
end

# Results are handed over to this thread: what waits for a confirm must not do so in the one that takes deliveries.
results = connection.create_channel
results.prefetch(50)
deliveries = Queue.new
results.queue(ENV.fetch("CRM_QUEUE", "crm.results"), passive: true)
       .subscribe(manual_ack: true) { |delivery, _, body| deliveries << [delivery.delivery_tag, JSON.parse(body)] }

known = Set.new # in your database: written in the transaction in which you act
ended = false
until ended
  tag, result = deliveries.pop
  unless known.include?(result["id"])
    ended = act.call(result)
    known << result["id"]
  end
  results.ack(tag) # only now: what was not acted on comes again
end
connection.close
