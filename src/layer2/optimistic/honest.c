/* See honest.h. */
#include "layer2/optimistic/honest.h"

/* Whether to counter a claim: all that is against what is honest, and freeloaders; not what is honest itself,
 * nor what answers a claim that the honest party leaves alone. */
static bool to_be_countered(const struct game *game, const struct honest_mark *marks, uint32_t index)
{
    const struct claim *claim = &game->claims[index];
    const struct honest_mark *parent;

    if (marks[index].honest)
        return false;
    if (index == 0)
        return true;
    parent = &marks[claim->parent];
    if (parent->honest)
        return true;
    return parent->counters && claim->position.gindex <= parent->position.gindex;
}

/* The one right answer to a claim that is to be countered. */
static enum status right_answer(const struct game *game, uint32_t index, const struct honest_trace *trace,
                                struct honest_mark *mark, struct error *error)
{
    const struct claim *claim = &game->claims[index];
    const unsigned max_depth = game->params.max_depth;
    struct hash value;
    bool agree;

    TRY(trace->value(trace->context, position_trace_index(claim->position, max_depth), &value, error));
    agree = hash_equal(&value, &claim->value);
    mark->counters = true;
    if (position_depth(claim->position) == max_depth) {
        mark->kind = agree ? MOVE_STEP_DEFEND : MOVE_STEP_ATTACK;
        mark->answered = claim->countered;
        return OK;
    }
    mark->kind = agree ? MOVE_DEFEND : MOVE_ATTACK;
    mark->position = agree ? position_defend(claim->position) : position_attack(claim->position);
    return trace->value(trace->context, position_trace_index(mark->position, max_depth), &mark->value, error);
}

static enum status mark_claim(const struct game *game, uint32_t index, const struct honest_trace *trace,
                              struct honest_mark *marks, struct error *error)
{
    const struct claim *claim = &game->claims[index];
    struct honest_mark *mark = &marks[index], *parent;

    *mark = (struct honest_mark){ .honest = false };
    if (index == 0) {
        struct hash value;

        TRY(trace->value(trace->context, position_trace_index(claim->position, game->params.max_depth),
                         &value, error));
        mark->honest = hash_equal(&value, &claim->value);
    } else {
        parent = &marks[claim->parent];
        mark->honest = parent->counters && position_equal(parent->position, claim->position) &&
                       hash_equal(&parent->value, &claim->value);
        parent->answered |= mark->honest;
    }
    if (to_be_countered(game, marks, index))
        TRY(right_answer(game, index, trace, mark, error));
    return OK;
}

enum status honest_moves(const struct game *game, const struct honest_trace *trace,
                         const struct account_id *mover, int64_t now_us, struct honest_mark *marks,
                         struct move *moves, uint32_t *count, struct error *error)
{
    uint32_t found = 0;

    if (game->status == GAME_RUNNING) {
        for (uint32_t i = 0; i < game->count; i++)
            TRY(mark_claim(game, i, trace, marks, error));
        for (uint32_t i = 0; i < game->count; i++) {
            struct move *move = &moves[found];

            if (!marks[i].counters || marks[i].answered || now_us >= game_deadline_us(game, i))
                continue;
            *move = (struct move){ .kind = marks[i].kind, .parent = i, .disputed = game->claims[i].value,
                                   .mover = *mover };
            if (move->kind == MOVE_ATTACK || move->kind == MOVE_DEFEND) {
                move->value = marks[i].value;
                move->bond = game_bond(&game->params, position_depth(marks[i].position));
            }
            found++;
        }
    }
    *count = found;
    return OK;
}
