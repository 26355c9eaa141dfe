#ifndef SALVAGE_CRABBITMQ_SHIM_H
#define SALVAGE_CRABBITMQ_SHIM_H

#include <amqp.h>
#include <amqp_framing.h>

// Not in Swift's Glibc: what wakes a connection's thread.
#include <sys/eventfd.h>

#endif
