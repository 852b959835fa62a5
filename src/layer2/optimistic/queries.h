/* What people may ask about games. */
#ifndef LAYER2_OPTIMISTIC_QUERIES_H
#define LAYER2_OPTIMISTIC_QUERIES_H

#include "kernel/module.h"

#define GAME_QUERIES 3
extern const struct query_method game_queries[GAME_QUERIES];

#endif
