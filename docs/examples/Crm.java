// A CRM's side of Salvage: publishes declines, takes the answer to one, acts on results, cancels a retry.
//
//     SALVAGE_BROKER_URL=amqp://guest:guest@localhost java -cp '/usr/share/java/*' Crm.java
//
// Debian: librabbitmq-client-java, libgoogle-gson-java (Maven: com.rabbitmq:amqp-client, com.google.code.gson:gson), Java 17. A live sale,
// whose customer waits for the answer, and a rebill, whose subscriber then leaves; each until its end.
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

public class Crm {
    static final Gson json = new Gson();
    final Channel channel;
    final AtomicBoolean returned = new AtomicBoolean();

    Crm(Channel channel) throws Exception {
        this.channel = channel;
        channel.confirmSelect();
        channel.addReturnListener((code, text, exchange, key, properties, body) -> returned.set(true));
    }

    /** Returns when the broker has the event. What fails before that is published again, with the same id: a repeat changes nothing. */
    void publish(String routingKey, Map<String, Object> event, BasicProperties.Builder properties) throws Exception {
        channel.basicPublish("declines", routingKey, true, // mandatory
            properties.contentType("application/cloudevents+json").messageId((String) event.get("id")).deliveryMode(2).build(), // kept on disk
            json.toJson(event).getBytes(StandardCharsets.UTF_8));
        channel.waitForConfirmsOrDie(10_000);
        if (returned.getAndSet(false)) { // it comes before the confirm
            throw new IllegalStateException(routingKey + " came back: nothing is bound to declines");
        }
    }

    static Map<String, Object> event(String kind, String id, Map<String, Object> data) {
        return Map.of("specversion", "1.0", "id", id, "source", "https://crm.example", "type", "com.salvage." + kind + ".v1",
            "time", Instant.now().toString(), "data", data); // the time of a decline: when it was declined
    }

    /** One id per decline, kept with it: whatever is published again has the same. */
    static Map<String, Object> decline(String trigger, Map<String, Object> order, String token, Map<String, Object> more) {
        var data = new HashMap<>(more);
        data.putAll(Map.of(
            "merchantId", "acme", "trigger", trigger, "order", order,
            "decline", Map.of("gatewayId", "7", "responseCodeSource", "nmi", "responseCode", "201", "transactionId", "T-" + order.get("id")),
            "amount", Map.of("minorUnits", 4999, "currency", "USD"),
            "billing", Map.of("firstName", "Ada", "lastName", "Byron", "countryCode", "US", "addressLine1", "1 Main Street",
                "city", "Troy", "state", "NY", "zipCode", "12180"),
            "paymentMethod", Map.of("token", token))); // FlexFactor's token of the card, never a card number
        return event("decline", "decline-" + order.get("id"), data);
    }

    /** Publishes a live sale's decline and returns its first answer, or null: then the result comes on the queue of results alone. */
    Result ask(Map<String, Object> event) throws Exception {
        BlockingQueue<Result> answers = new LinkedBlockingQueue<>();
        String tag = channel.basicConsume("amq.rabbitmq.reply-to", true, new DefaultConsumer(channel) {
            @Override public void handleDelivery(String tag, Envelope envelope, BasicProperties properties, byte[] body) {
                answers.add(Result.read(body));
            }
        });
        // Before what no customer waits for.
        publish("decline.initial", event,
            new BasicProperties.Builder().replyTo("amq.rabbitmq.reply-to").correlationId((String) event.get("id")).priority(5));
        Result answer = answers.poll(60, TimeUnit.SECONDS);
        channel.basicCancel(tag);
        return answer;
    }

    void cancel(Map<String, Object> order) throws Exception {
        publish("command.cancel", event("cancel", "cancel-" + order.get("id"), Map.of(
            "merchantId", "acme", "orderId", order.get("id"), "purchaseId", order.get("purchaseId"), "billingCycle", order.get("billingCycle"),
            "reason", "The subscription was cancelled.")), new BasicProperties.Builder());
    }

    /** What acting needs of a result event; the rest is in schemas/result.v1.schema.json. */
    record Result(String id, String order, String kind, String action, boolean isFinal) {
        static Result read(byte[] body) {
            JsonObject event = json.fromJson(new String(body, StandardCharsets.UTF_8), JsonObject.class), data = event.getAsJsonObject("data");
            String[] type = event.get("type").getAsString().split("\\.");
            return new Result(
                event.get("id").getAsString(), data.has("order") ? data.getAsJsonObject("order").get("id").getAsString() : "",
                type[type.length - 2], data.getAsJsonObject("action").get("name").getAsString(), data.get("final").getAsBoolean());
        }

        @Override public String toString() {
            return order + " " + kind + " " + action;
        }
    }

    record Delivered(long tag, Result result) {
        static final Delivered END = new Delivered(0, null);
    }

    public static void main(String[] arguments) throws Exception {
        var factory = new ConnectionFactory();
        factory.setUri(System.getenv("SALVAGE_BROKER_URL"));
        factory.setAutomaticRecoveryEnabled(false); // a repeat after a lost connection is the caller's, with the same id
        try (Connection connection = factory.newConnection()) {
            var crm = new Crm(connection.createChannel());
            String run = UUID.randomUUID().toString().substring(0, 8).toUpperCase();
            Map<String, Object> sale = Map.of("id", "SALE-" + run, "type", "new_sale", "ipAddress", "203.0.113.7");
            Map<String, Object> rebill = Map.of("id", "REBILL-" + run, "type", "recurring", "purchaseId", "88123", "billingCycle", 7);

            Result answer = crm.ask(decline("initial", sale, "tok_approve", Map.of()));
            if (answer != null) {
                System.out.println("answer " + answer);
            }
            crm.publish("decline.recycle", decline("recycle", rebill, "tok_managed_expire", Map.of("recovery", Map.of("reattempt", 4))),
                new BasicProperties.Builder());

            // Results are handed over to this thread: what waits for a confirm must not do so in the one that takes deliveries.
            BlockingQueue<Delivered> deliveries = new LinkedBlockingQueue<>();
            Channel results = connection.createChannel();
            results.basicQos(50);
            String queue = System.getenv().getOrDefault("CRM_QUEUE", "crm.results");
            results.basicConsume(queue, false, new DefaultConsumer(results) {
                @Override public void handleDelivery(String tag, Envelope envelope, BasicProperties properties, byte[] body) {
                    deliveries.add(new Delivered(envelope.getDeliveryTag(), Result.read(body)));
                }

                @Override public void handleCancel(String tag) {
                    deliveries.add(Delivered.END); // the queue is gone, or its node
                }

                @Override public void handleShutdownSignal(String tag, ShutdownSignalException why) {
                    deliveries.add(Delivered.END); // the connection is
                }
            });
            Set<String> known = new HashSet<>(); // in your database: written in the transaction in which you act
            for (boolean ended = false; !ended; ) {
                Delivered next = deliveries.take();
                if (next == Delivered.END) { // begin anew: what was not acted on comes again
                    throw new IllegalStateException("results are no longer delivered");
                }
                Result result = next.result();
                if (!known.contains(result.id())) {
                    System.out.println("result " + result); // what each action asks for: ../results.md
                    if (result.order().equals(rebill.get("id"))) {
                        if (result.kind().equals("submitted")) {
                            crm.cancel(rebill); // the subscriber left meanwhile
                        }
                        ended = result.isFinal();
                    }
                    known.add(result.id());
                }
                results.basicAck(next.tag(), false); // only now: what was not acted on comes again
            }
        }
    }
}
