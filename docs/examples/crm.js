// A CRM's side of Salvage: publishes declines, takes the answer to one, acts on results, cancels a retry.
//
//     npm install amqplib
//     SALVAGE_BROKER_URL=amqp://guest:guest@localhost node crm.js
//
// A live sale, whose customer waits for the answer, and a rebill, whose subscriber then leaves; each until its end.
const amqp = require('amqplib');
const { randomBytes } = require('node:crypto');

let channel;
const returned = new Map(); // by message id: what no queue was bound for

function within(seconds, what, promise) {
  let timer;
  const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error(`no ${what} within ${seconds} s`)), seconds * 1000); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Resolves when the broker has the event. What fails before that is published again, with the same id: a repeat changes nothing. */
async function publish(routingKey, event, properties = {}) {
  const confirmed = new Promise((resolve, reject) => {
    channel.publish('declines', routingKey, Buffer.from(JSON.stringify(event)), {
      contentType: 'application/cloudevents+json', messageId: event.id, persistent: true, mandatory: true, ...properties,
    }, error => (error ? reject(error) : resolve()));
  });
  await within(10, 'confirm', confirmed);
  if (returned.delete(event.id)) throw new Error(`${routingKey} came back: nothing is bound to declines`);
}

function eventOf(kind, id, data) {
  return {
    specversion: '1.0', id, source: 'https://crm.example', type: `com.salvage.${kind}.v1`,
    time: new Date().toISOString(), data, // of a decline: when it was declined
  };
}

// One id per decline, kept with it: whatever is published again has the same.
function decline(trigger, order, token, more = {}) {
  return eventOf('decline', `decline-${order.id}`, {
    merchantId: 'acme', trigger, order,
    decline: { gatewayId: '7', responseCodeSource: 'nmi', responseCode: '201', transactionId: `T-${order.id}` },
    amount: { minorUnits: 4999, currency: 'USD' },
    billing: { firstName: 'Ada', lastName: 'Byron', countryCode: 'US', addressLine1: '1 Main Street', city: 'Troy', state: 'NY', zipCode: '12180' },
    paymentMethod: { token }, // FlexFactor's token of the card, never a card number
    ...more,
  });
}

/** Publishes a live sale's decline and resolves to its first answer; where none comes, the result comes on the queue of results alone. */
async function ask(event) {
  let take;
  const answer = new Promise(resolve => { take = resolve; });
  const { consumerTag } = await channel.consume('amq.rabbitmq.reply-to', message => message && take(JSON.parse(message.content)), { noAck: true });
  try {
    // Before what no customer waits for.
    await publish('decline.initial', event, { replyTo: 'amq.rabbitmq.reply-to', correlationId: event.id, priority: 5 });
    return await within(60, 'answer', answer);
  } finally {
    await channel.cancel(consumerTag);
  }
}

async function cancel(order) {
  await publish('command.cancel', eventOf('cancel', `cancel-${order.id}`, {
    merchantId: 'acme', orderId: order.id, purchaseId: order.purchaseId, billingCycle: order.billingCycle, reason: 'The subscription was cancelled.',
  }));
}

const kindOf = result => result.type.split('.').at(-2);
const known = new Set(); // in your database: written in the transaction in which you act

async function main() {
  const connection = await amqp.connect(process.env.SALVAGE_BROKER_URL);
  channel = await connection.createConfirmChannel();
  channel.on('return', message => returned.set(message.properties.messageId, true));

  const run = randomBytes(4).toString('hex').toUpperCase();
  const sale = { id: `SALE-${run}`, type: 'new_sale', ipAddress: '203.0.113.7' };
  const rebill = { id: `REBILL-${run}`, type: 'recurring', purchaseId: '88123', billingCycle: 7 };

  const answer = await ask(decline('initial', sale, 'tok_approve'));
  console.log('answer', answer.data.order.id, kindOf(answer), answer.data.action.name);
  await publish('decline.recycle', decline('recycle', rebill, 'tok_managed_expire', { recovery: { reattempt: 4 } }));

  /** Returns whether it was the rebill's end. */
  async function act(result) {
    const order = result.data.order?.id, kind = kindOf(result);
    console.log('result', order, kind, result.data.action.name); // what each action asks for: ../results.md
    if (order === rebill.id && kind === 'submitted') await cancel(rebill); // the subscriber left meanwhile
    return order === rebill.id && result.data.final;
  }

  await new Promise((resolve, reject) => {
    // Begin anew: what was not acted on comes again. A node that stops in order closes without an error.
    connection.on('error', reject);
    connection.on('close', () => reject(new Error('the connection is gone')));
    let turn = Promise.resolve(); // one at a time
    async function received(message) {
      const result = JSON.parse(message.content);
      let ended = false;
      if (!known.has(result.id)) {
        ended = await act(result);
        known.add(result.id);
      }
      channel.ack(message); // only now: what was not acted on comes again
      if (ended) resolve();
    }
    channel.prefetch(50);
    channel.consume(process.env.CRM_QUEUE ?? 'crm.results', message => {
      if (message === null) return reject(new Error('results are no longer delivered')); // the queue is gone, or its node
      turn = turn.then(() => received(message)).catch(reject);
    }).catch(reject);
  });
  await channel.close();
  await connection.close();
}

main().catch(error => { console.error(error); process.exit(1); });
