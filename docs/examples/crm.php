<?php
// A CRM's side of Salvage: publishes declines, takes the answer to one, acts on results, cancels a retry.
//
//     SALVAGE_BROKER_URL=amqp://guest:guest@localhost php crm.php
//
// Debian: php-cli and php-amqplib (with Composer: php-amqplib/php-amqplib, and vendor/autoload.php below). A live sale, whose customer
// waits for the answer, and a rebill, whose subscriber then leaves; each until its end.
declare(strict_types=1);
require 'PhpAmqpLib/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPTimeoutException;
use PhpAmqpLib\Message\AMQPMessage;

$url = parse_url(getenv('SALVAGE_BROKER_URL'));
$vhost = isset($url['path']) && $url['path'] !== '/' ? rawurldecode(substr($url['path'], 1)) : '/';
$connection = new AMQPStreamConnection(
    $url['host'], (string) ($url['port'] ?? 5672), rawurldecode($url['user'] ?? 'guest'), rawurldecode($url['pass'] ?? 'guest'), $vhost,
    read_write_timeout: 60.0, heartbeat: 30); // a connection of which only one end is left is noticed
$channel = $connection->channel();
$channel->confirm_select();
$channel->set_nack_handler(function () { throw new RuntimeException('the broker refused it'); });
$channel->set_return_listener(function ($code, $text, $exchange, $key) { throw new RuntimeException("$key came back: nothing is bound to declines"); });

/** Returns when the broker has the event. What fails before that is published again, with the same id: a repeat changes nothing. */
function publish(string $routingKey, array $event, array $properties = []): void
{
    global $channel;
    $channel->basic_publish(new AMQPMessage(json_encode($event, JSON_THROW_ON_ERROR), $properties + [
        'content_type' => 'application/cloudevents+json',
        'message_id' => $event['id'],
        'delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT,
    ]), 'declines', $routingKey, true); // mandatory
    $channel->wait_for_pending_acks_returns(10); // throws where no confirm comes
}

function event(string $kind, string $id, array $data): array
{
    return [
        'specversion' => '1.0', 'id' => $id, 'source' => 'https://crm.example', 'type' => "com.salvage.$kind.v1",
        'time' => gmdate('Y-m-d\TH:i:s\Z'), 'data' => $data, // the time of a decline: when it was declined
    ];
}

/** One id per decline, kept with it: whatever is published again has the same. */
function decline(string $trigger, array $order, string $token, array $more = []): array
{
    return event('decline', "decline-{$order['id']}", [
        'merchantId' => 'acme', 'trigger' => $trigger, 'order' => $order,
        'decline' => ['gatewayId' => '7', 'responseCodeSource' => 'nmi', 'responseCode' => '201', 'transactionId' => "T-{$order['id']}"],
        'amount' => ['minorUnits' => 4999, 'currency' => 'USD'],
        'billing' => ['firstName' => 'Ada', 'lastName' => 'Byron', 'countryCode' => 'US', 'addressLine1' => '1 Main Street',
            'city' => 'Troy', 'state' => 'NY', 'zipCode' => '12180'],
        'paymentMethod' => ['token' => $token], // FlexFactor's token of the card, never a card number
    ] + $more);
}

/** Publishes a live sale's decline and returns its first answer, or null: then the result comes on the queue of results alone. */
function ask(array $event, int $seconds = 60): ?array
{
    global $channel;
    $answer = null;
    $tag = $channel->basic_consume('amq.rabbitmq.reply-to', '', false, true, false, false, function (AMQPMessage $message) use (&$answer) {
        $answer ??= json_decode($message->getBody(), true, 64, JSON_THROW_ON_ERROR);
    });
    // Before what no customer waits for.
    publish('decline.initial', $event, ['reply_to' => 'amq.rabbitmq.reply-to', 'correlation_id' => $event['id'], 'priority' => 5]);
    try {
        while ($answer === null) {
            $channel->wait(null, false, $seconds);
        }
    } catch (AMQPTimeoutException) {
    }
    $channel->basic_cancel($tag);
    return $answer;
}

function cancel(array $order): void
{
    publish('command.cancel', event('cancel', "cancel-{$order['id']}", [
        'merchantId' => 'acme', 'orderId' => $order['id'], 'purchaseId' => $order['purchaseId'], 'billingCycle' => $order['billingCycle'],
        'reason' => 'The subscription was cancelled.',
    ]));
}

function kindOf(array $result): string
{
    return array_slice(explode('.', $result['type']), -2)[0];
}

$run = strtoupper(bin2hex(random_bytes(4)));
$sale = ['id' => "SALE-$run", 'type' => 'new_sale', 'ipAddress' => '203.0.113.7'];
$rebill = ['id' => "REBILL-$run", 'type' => 'recurring', 'purchaseId' => '88123', 'billingCycle' => 7];

$answer = ask(decline('initial', $sale, 'tok_approve'));
if ($answer !== null) {
    echo "answer {$answer['data']['order']['id']} ", kindOf($answer), " {$answer['data']['action']['name']}\n";
}
publish('decline.recycle', decline('recycle', $rebill, 'tok_managed_expire', ['recovery' => ['reattempt' => 4]]));

/** Returns whether it was the rebill's end. */
function act(array $result): bool
{
    global $rebill;
    $order = $result['data']['order']['id'] ?? '';
    $kind = kindOf($result);
    echo "result $order $kind {$result['data']['action']['name']}\n"; // what each action asks for: ../results.md
    if ($order === $rebill['id'] && $kind === 'submitted') {
        cancel($rebill); // the subscriber left meanwhile
    }
    return $order === $rebill['id'] && $result['data']['final'];
}

// A channel of its own: what waits for a confirm takes no result meanwhile.
$results = $connection->channel();
$results->basic_qos(0, 50, false);
$known = []; // in your database: written in the transaction in which you act
$ended = false;
$results->basic_consume(getenv('CRM_QUEUE') ?: 'crm.results', '', false, false, false, false, function (AMQPMessage $message) use (&$known, &$ended) {
    $result = json_decode($message->getBody(), true, 64, JSON_THROW_ON_ERROR);
    if (!isset($known[$result['id']])) {
        $ended = act($result) || $ended;
        $known[$result['id']] = true;
    }
    $message->ack(); // only now: what was not acted on comes again
});
while (!$ended) {
    $results->wait();
}
$connection->close();
