/* What people and programs ask about messages. */
#ifndef MESSAGE_QUERIES_H
#define MESSAGE_QUERIES_H

#include "kernel/module.h"

#define MESSAGE_QUERIES 4
extern const struct query_method message_queries[MESSAGE_QUERIES];

#endif
