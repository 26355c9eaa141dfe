// The least that intake can cost: takes messages, publishes for each as many of the same sizes as intake does, and acknowledges
// what the broker has confirmed, in ranges. Reads and writes nothing of what they say. rabbitmq-c is the codec, as the worker's; sockets
// and buffers are its own, one for what comes and one for what goes, on one thread.
//
//   relay HOST PORT QUEUE PREFETCH COUNT (EXCHANGE KEY BODY-FILE PROPERTIES-FILE)...
//
// Without anything to publish it reads a stream from its beginning, which is the least that a start can take that reads one.
//
// Prints `SECONDS CPU-SECONDS`, from the first message on. PROPERTIES-FILE holds a message's properties as they stand on the wire.
#include <amqp.h>
#include <amqp_framing.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { frame_max = 131072, most_publishes = 8 };

struct link {
    int fd;
    amqp_connection_state_t state;
    uint8_t *out;
    size_t room, written, sent;
    // What was received and is not decoded yet.
    uint8_t in[1 << 18];
    size_t from, to;
};

struct outgoing {
    amqp_basic_publish_t method;
    amqp_basic_properties_t properties;
    amqp_bytes_t body;
};

static void fail(const char *why) {
    fprintf(stderr, "relay: %s\n", why);
    exit(1);
}

static uint8_t *reserve(struct link *link, size_t count) {
    if (link->written + count > link->room) {
        link->room = (link->written + count) * 2;
        if (!(link->out = realloc(link->out, link->room))) fail("no memory");
    }
    return link->out + link->written;
}

static void finish_frame(struct link *link, uint8_t *at, uint8_t kind, uint16_t channel, size_t size) {
    uint16_t number = htons(channel);
    uint32_t length = htonl(size);
    at[0] = kind;
    memcpy(at + 1, &number, 2);
    memcpy(at + 3, &length, 4);
    at[7 + size] = 0xce;
    link->written += size + 8;
}

static void put_method(struct link *link, uint16_t channel, amqp_method_number_t id, void *arguments) {
    uint8_t *at = reserve(link, 4096);
    uint32_t number = htonl(id);
    memcpy(at + 7, &number, 4);
    int size = amqp_encode_method(id, arguments, (amqp_bytes_t){4096 - 12, at + 11});
    if (size < 0) fail(amqp_error_string2(size));
    finish_frame(link, at, AMQP_FRAME_METHOD, channel, size + 4);
}

static void put_message(struct link *link, struct outgoing *message) {
    put_method(link, 1, AMQP_BASIC_PUBLISH_METHOD, &message->method);
    uint8_t *at = reserve(link, 8192);
    uint16_t class = htons(AMQP_BASIC_CLASS);
    uint32_t high = htonl((uint64_t)message->body.len >> 32), low = htonl((uint32_t)message->body.len);
    memcpy(at + 7, &class, 2);
    memset(at + 9, 0, 2);
    memcpy(at + 11, &high, 4);
    memcpy(at + 15, &low, 4);
    int size = amqp_encode_properties(AMQP_BASIC_CLASS, &message->properties, (amqp_bytes_t){8192 - 20, at + 19});
    if (size < 0) fail(amqp_error_string2(size));
    finish_frame(link, at, AMQP_FRAME_HEADER, 1, size + 12);
    for (size_t from = 0; from < message->body.len; from += frame_max - 8) {
        size_t count = message->body.len - from < frame_max - 8 ? message->body.len - from : frame_max - 8;
        at = reserve(link, count + 8);
        memcpy(at + 7, (uint8_t *)message->body.bytes + from, count);
        finish_frame(link, at, AMQP_FRAME_BODY, 1, count);
    }
}

static void flush(struct link *link) {
    while (link->sent < link->written) {
        ssize_t count = send(link->fd, link->out + link->sent, link->written - link->sent, MSG_NOSIGNAL);
        if (count < 0) return;
        link->sent += count;
    }
    link->sent = link->written = 0;
}

// The next whole frame of what was received; false when there is none.
static int next_frame(struct link *link, amqp_frame_t *frame) {
    while (link->from < link->to) {
        amqp_maybe_release_buffers(link->state);
        int count = amqp_handle_input(link->state, (amqp_bytes_t){link->to - link->from, link->in + link->from}, frame);
        if (count < 0) fail(amqp_error_string2(count));
        link->from += count;
        if (frame->frame_type != 0) return 1;
    }
    link->from = link->to = 0;
    return 0;
}

static int receive(struct link *link) {
    ssize_t count = recv(link->fd, link->in, sizeof link->in, 0);
    if (count == 0) fail("the broker has closed the connection");
    link->from = 0;
    link->to = count < 0 ? 0 : count;
    return count > 0;
}

static void *await(struct link *link, amqp_method_number_t id) {
    amqp_frame_t frame;
    flush(link);
    for (;;) {
        while (next_frame(link, &frame)) {
            if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == id) return frame.payload.method.decoded;
            if (frame.frame_type == AMQP_FRAME_METHOD) fail(amqp_method_name(frame.payload.method.id));
        }
        receive(link);
    }
}

static struct link *open_link(const char *host, const char *port) {
    struct link *link = calloc(1, sizeof *link);
    struct addrinfo *address, hints = {.ai_socktype = SOCK_STREAM};
    if (!link || getaddrinfo(host, port, &hints, &address)) fail("no such host");
    link->fd = socket(address->ai_family, SOCK_STREAM, 0);
    if (connect(link->fd, address->ai_addr, address->ai_addrlen)) fail("cannot connect");
    freeaddrinfo(address);
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    link->state = amqp_new_connection();
    memcpy(reserve(link, 8), "AMQP\0\0\x09\x01", 8);
    link->written = 8;
    await(link, AMQP_CONNECTION_START_METHOD);
    amqp_connection_start_ok_t start = {
        .mechanism = amqp_cstring_bytes("PLAIN"), .response = {12, "\0guest\0guest"}, .locale = amqp_cstring_bytes("en_US")};
    put_method(link, 0, AMQP_CONNECTION_START_OK_METHOD, &start);
    await(link, AMQP_CONNECTION_TUNE_METHOD);
    amqp_connection_tune_ok_t tune = {.channel_max = 2047, .frame_max = frame_max, .heartbeat = 0};
    put_method(link, 0, AMQP_CONNECTION_TUNE_OK_METHOD, &tune);
    amqp_tune_connection(link->state, 2047, frame_max, 0);
    amqp_connection_open_t open = {.virtual_host = amqp_cstring_bytes("/")};
    put_method(link, 0, AMQP_CONNECTION_OPEN_METHOD, &open);
    await(link, AMQP_CONNECTION_OPEN_OK_METHOD);
    amqp_channel_open_t channel = {0};
    put_method(link, 1, AMQP_CHANNEL_OPEN_METHOD, &channel);
    await(link, AMQP_CHANNEL_OPEN_OK_METHOD);
    return link;
}

static amqp_bytes_t content(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) fail(path);
    amqp_bytes_t bytes = amqp_bytes_malloc(1 << 20);
    bytes.len = fread(bytes.bytes, 1, bytes.len, file);
    fclose(file);
    return bytes;
}

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **argument) {
    if (count < 6 || (count - 6) % 4 || (count - 6) / 4 > most_publishes) fail("see its head");
    const char *host = argument[1], *port = argument[2];
    uint64_t wanted = strtoull(argument[5], NULL, 10), publishes = (count - 6) / 4;
    struct outgoing outgoing[most_publishes];
    amqp_pool_t pool;
    init_amqp_pool(&pool, 4096);
    for (uint64_t index = 0; index < publishes; index++) {
        char **of = argument + 6 + index * 4;
        void *decoded;
        if (amqp_decode_properties(AMQP_BASIC_CLASS, &pool, content(of[3]), &decoded)) fail("the properties cannot be read");
        outgoing[index] = (struct outgoing){
            .method = {.exchange = amqp_cstring_bytes(of[0]), .routing_key = amqp_cstring_bytes(of[1]), .mandatory = 1},
            .properties = *(amqp_basic_properties_t *)decoded, .body = content(of[2])};
    }
    struct link *in = open_link(host, port), *out = open_link(host, port);
    amqp_confirm_select_t select = {0};
    put_method(out, 1, AMQP_CONFIRM_SELECT_METHOD, &select);
    await(out, AMQP_CONFIRM_SELECT_OK_METHOD);
    amqp_basic_qos_t qos = {.prefetch_count = atoi(argument[4])};
    put_method(in, 1, AMQP_BASIC_QOS_METHOD, &qos);
    await(in, AMQP_BASIC_QOS_OK_METHOD);
    amqp_table_entry_t beginning = {
        amqp_cstring_bytes("x-stream-offset"), {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("first")}};
    amqp_basic_consume_t consume = {.queue = amqp_cstring_bytes(argument[3]), .arguments = {publishes ? 0 : 1, &beginning}};
    put_method(in, 1, AMQP_BASIC_CONSUME_METHOD, &consume);
    await(in, AMQP_BASIC_CONSUME_OK_METHOD);
    fcntl(in->fd, F_SETFL, O_NONBLOCK);
    fcntl(out->fd, F_SETFL, O_NONBLOCK);

    // Publishes are numbered from 1, those of the n-th delivery in a row. All up to `confirmed` are confirmed, and `early` has which beyond.
    uint8_t *early = calloc(wanted * publishes + publishes + 1, 1), *body = malloc(1 << 20), id[256];
    uint64_t delivered = 0, confirmed = 0, acknowledged = 0, size = 0, got = 0;
    double begun = 0, cpu = 0;
    for (;;) {
        amqp_frame_t frame;
        while (next_frame(in, &frame)) {
            if (frame.frame_type == AMQP_FRAME_METHOD) {
                if (frame.payload.method.id != AMQP_BASIC_DELIVER_METHOD) fail(amqp_method_name(frame.payload.method.id));
                if (!begun) begun = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
                continue;
            }
            if (frame.frame_type == AMQP_FRAME_HEADER) {
                amqp_basic_properties_t *properties = frame.payload.properties.decoded;
                size = frame.payload.properties.body_size;
                got = 0;
                if (properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) {
                    memcpy(id, properties->message_id.bytes, properties->message_id.len);
                    for (uint64_t index = 0; index < publishes; index++)
                        outgoing[index].properties.message_id = (amqp_bytes_t){properties->message_id.len, id};
                }
            } else if (frame.frame_type == AMQP_FRAME_BODY) {
                if (got + frame.payload.body_fragment.len > 1 << 20) fail("too long a message");
                memcpy(body + got, frame.payload.body_fragment.bytes, frame.payload.body_fragment.len);
                got += frame.payload.body_fragment.len;
            } else {
                continue;
            }
            if (got < size) continue;
            if (++delivered > wanted) fail("more messages than were told");
            for (uint64_t index = 0; index < publishes; index++) put_message(out, &outgoing[index]);
        }
        while (next_frame(out, &frame)) {
            if (frame.frame_type != AMQP_FRAME_METHOD) continue;
            if (frame.payload.method.id != AMQP_BASIC_ACK_METHOD) fail(amqp_method_name(frame.payload.method.id));
            amqp_basic_ack_t *ack = frame.payload.method.decoded;
            early[ack->delivery_tag] = 1;
            if (ack->multiple)
                for (uint64_t tag = ack->delivery_tag; tag > confirmed; tag--) early[tag] = 1;
            while (confirmed < delivered * publishes && early[confirmed + 1]) confirmed++;
        }
        uint64_t settled = publishes ? confirmed / publishes : delivered;
        if (settled > acknowledged) {
            acknowledged = settled;
            amqp_basic_ack_t ack = {.delivery_tag = acknowledged, .multiple = 1};
            put_method(in, 1, AMQP_BASIC_ACK_METHOD, &ack);
        }
        flush(out);
        flush(in);
        if (acknowledged == wanted && !in->written) break;
        struct pollfd sockets[2] = {
            {in->fd, POLLIN | (in->written ? POLLOUT : 0), 0}, {out->fd, POLLIN | (out->written ? POLLOUT : 0), 0}};
        poll(sockets, 2, -1);
        if (sockets[0].revents & ~POLLOUT) receive(in);
        if (sockets[1].revents & ~POLLOUT) receive(out);
    }
    printf("%.6f %.6f\n", seconds(CLOCK_MONOTONIC) - begun, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    // The last acknowledgement is on its way: the broker reads it before it hears of the end.
    shutdown(in->fd, SHUT_WR);
    while (recv(in->fd, body, 4096, 0) != 0) poll(&(struct pollfd){in->fd, POLLIN, 0}, 1, 1000);
    return 0;
}
