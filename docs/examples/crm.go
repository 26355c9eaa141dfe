// A CRM's side of Salvage: publishes declines, takes the answer to one, acts on results, cancels a retry.
//
//	go mod init crm && go get github.com/rabbitmq/amqp091-go
//	SALVAGE_BROKER_URL=amqp://guest:guest@localhost go run crm.go
//
// Debian: golang-go, golang-github-rabbitmq-amqp091-go-dev, and GO111MODULE=off GOPATH=/usr/share/gocode. A live sale, whose customer waits
// for the answer, and a rebill, whose subscriber then leaves; each until its end.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

type object = map[string]any

// Result is what acting needs of a result event; the rest is in schemas/result.v1.schema.json.
type Result struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data struct {
		Order  struct{ ID string }
		Action struct{ Name string }
		Final  bool
	} `json:"data"`
}

func (result Result) kind() string {
	words := strings.Split(result.Type, ".")
	return words[len(words)-2]
}

func read(body []byte) Result {
	var result Result
	must(json.Unmarshal(body, &result))
	return result
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

type crm struct {
	channel  *amqp.Channel
	returned chan amqp.Return
}

// publish returns when the broker has the event. What fails before that is published again, with the same id: a repeat changes nothing.
func (crm crm) publish(routingKey string, event object, properties amqp.Publishing) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	properties.Body = body
	properties.ContentType = "application/cloudevents+json"
	properties.MessageId = event["id"].(string)
	properties.DeliveryMode = amqp.Persistent
	patience, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	confirmation, err := crm.channel.PublishWithDeferredConfirmWithContext(patience, "declines", routingKey, true, false, properties) // mandatory
	if err != nil {
		return err
	}
	confirmed := make(chan bool, 1)
	go func() { confirmed <- confirmation.Wait() }()
	select {
	case <-patience.Done():
		return fmt.Errorf("no confirm of %s within 10 s", routingKey)
	case accepted := <-confirmed:
		if !accepted {
			return fmt.Errorf("%s was refused", routingKey)
		}
	}
	select {
	case <-crm.returned: // it comes before the confirm
		return fmt.Errorf("%s came back: nothing is bound to declines", routingKey)
	default:
		return nil
	}
}

func event(kind, id string, data object) object {
	return object{
		"specversion": "1.0", "id": id, "source": "https://crm.example", "type": "com.salvage." + kind + ".v1",
		"time": time.Now().UTC().Format(time.RFC3339Nano), "data": data, // the time of a decline: when it was declined
	}
}

// decline has one id, kept with it: whatever is published again has the same.
func decline(trigger string, order object, token string, recovery object) object {
	id := order["id"].(string)
	data := object{
		"merchantId": "acme", "trigger": trigger, "order": order,
		"decline": object{"gatewayId": "7", "responseCodeSource": "nmi", "responseCode": "201", "transactionId": "T-" + id},
		"amount":  object{"minorUnits": 4999, "currency": "USD"},
		"billing": object{"firstName": "Ada", "lastName": "Byron", "countryCode": "US", "addressLine1": "1 Main Street",
			"city": "Troy", "state": "NY", "zipCode": "12180"},
		"paymentMethod": object{"token": token}, // FlexFactor's token of the card, never a card number
	}
	if recovery != nil {
		data["recovery"] = recovery
	}
	return event("decline", "decline-"+id, data)
}

// ask publishes a live sale's decline and returns its first answer; where none comes, the result comes on the queue of results alone.
func (crm crm) ask(event object) (Result, error) {
	answers, err := crm.channel.Consume("amq.rabbitmq.reply-to", "answers", true, false, false, false, nil)
	if err != nil {
		return Result{}, err
	}
	defer crm.channel.Cancel("answers", false)
	// Before what no customer waits for.
	properties := amqp.Publishing{ReplyTo: "amq.rabbitmq.reply-to", CorrelationId: event["id"].(string), Priority: 5}
	if err := crm.publish("decline.initial", event, properties); err != nil {
		return Result{}, err
	}
	select {
	case answer := <-answers:
		return read(answer.Body), nil
	case <-time.After(60 * time.Second):
		return Result{}, fmt.Errorf("no answer within 60 s")
	}
}

func (crm crm) cancel(order object) error {
	return crm.publish("command.cancel", event("cancel", "cancel-"+order["id"].(string), object{
		"merchantId": "acme", "orderId": order["id"], "purchaseId": order["purchaseId"], "billingCycle": order["billingCycle"],
		"reason": "The subscription was cancelled.",
	}), amqp.Publishing{})
}

func main() {
	connection, err := amqp.Dial(os.Getenv("SALVAGE_BROKER_URL"))
	must(err)
	defer connection.Close()
	channel, err := connection.Channel()
	must(err)
	must(channel.Confirm(false))
	crm := crm{channel, channel.NotifyReturn(make(chan amqp.Return, 1))}

	random := make([]byte, 4)
	_, err = rand.Read(random)
	must(err)
	run := fmt.Sprintf("%X", random)
	sale := object{"id": "SALE-" + run, "type": "new_sale", "ipAddress": "203.0.113.7"}
	rebill := object{"id": "REBILL-" + run, "type": "recurring", "purchaseId": "88123", "billingCycle": 7}

	answer, err := crm.ask(decline("initial", sale, "tok_approve", nil))
	must(err)
	fmt.Println("answer", answer.Data.Order.ID, answer.kind(), answer.Data.Action.Name)
	must(crm.publish("decline.recycle", decline("recycle", rebill, "tok_managed_expire", object{"reattempt": 4}), amqp.Publishing{}))

	queue := os.Getenv("CRM_QUEUE")
	if queue == "" {
		queue = "crm.results"
	}
	must(channel.Qos(50, 0, false))
	results, err := channel.Consume(queue, "", false, false, false, false, nil)
	must(err)
	known := map[string]bool{} // in your database: written in the transaction in which you act
	for delivery := range results {
		result, ended := read(delivery.Body), false
		if !known[result.ID] {
			// What each action asks for: ../results.md
			fmt.Println("result", result.Data.Order.ID, result.kind(), result.Data.Action.Name)
			if result.Data.Order.ID == rebill["id"] {
				if result.kind() == "submitted" {
					must(crm.cancel(rebill)) // the subscriber left meanwhile
				}
				ended = result.Data.Final
			}
			known[result.ID] = true
		}
		must(delivery.Ack(false)) // only now: what was not acted on comes again
		if ended {
			return
		}
	}
	log.Fatal("the connection was lost: begin anew with what was not confirmed")
}
