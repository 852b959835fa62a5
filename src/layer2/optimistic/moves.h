/* What people do in games: challenge, move, step, resolve, close. Handlers of base commands. */
#ifndef LAYER2_OPTIMISTIC_MOVES_H
#define LAYER2_OPTIMISTIC_MOVES_H

#include "kernel/module.h"

#define GAME_COMMANDS 5
extern const struct command game_commands[GAME_COMMANDS];

#endif
