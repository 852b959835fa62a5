/* tictactoe: noughts and crosses for a stake; the worked example of an application.
 *
 * 1. The fixed part: two participants, one asset, terms = the stake [8 bytes, big-endian].
 * 2. Turns 0 and 1 (before and after funding) have an empty board and the first outcome: one simple entry for
 *    each player, at least the stake. From turn 2 on participant (turn mod 2) marks one empty field.
 * 3. data = the board: 9 bytes, 0 empty, 1 participant 0, 2 participant 1 ‖ what the two had at first [8 +
 * 8].
 * 4. The outcome follows from the board. Three in a row take the stake of the other player; a full board
 *    gives back what was there at first; before that, whoever moved last has the stake, so that a player who
 *    stops playing loses it. After the end nobody moves.
 *
 * Support: all signatures on one state; or one signature each on the two newest moves (turn taking), so that
 * neither player can keep the other one's move from counting. */
#include <string.h>

#include "layer2/channel/applications/applications.h"

#define PLAYERS 2
#define FIELDS 9
#define DATA_SIZE (FIELDS + PLAYERS * 8)
#define STAKE_SIZE 8

struct game {
    uint8_t board[FIELDS];
    uint64_t first[PLAYERS]; /* what they had at first */
};

static uint64_t stake_of(const struct channel_fixed *fixed)
{
    return get_be64(fixed->terms.data);
}

static enum status fixed_ok(const struct channel_fixed *fixed, struct error *error)
{
    if (fixed->participant_count != PLAYERS || fixed->asset_count != 1)
        return error_set(error, ERROR_INVALID_PARAMS, "tictactoe is for two players and one asset");
    if (fixed->terms.size != STAKE_SIZE || stake_of(fixed) < 1 || stake_of(fixed) > INTEGER_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "terms: the stake is expected as 8 bytes, 1 … 2^53−1");
    return OK;
}

static enum status read_game(const struct channel_state *state, struct game *game, struct error *error)
{
    if (state->data.size != DATA_SIZE)
        return error_set(error, ERROR_INVALID_OUTCOME, "data: 9 fields and two amounts are expected");
    memcpy(game->board, state->data.data, FIELDS);
    for (size_t i = 0; i < PLAYERS; i++)
        game->first[i] = get_be64(state->data.data + FIELDS + 8 * i);
    return OK;
}

static bool has_line(const uint8_t board[FIELDS], uint8_t mark)
{
    static const uint8_t lines[8][3] = { { 0, 1, 2 }, { 3, 4, 5 }, { 6, 7, 8 }, { 0, 3, 6 },
                                         { 1, 4, 7 }, { 2, 5, 8 }, { 0, 4, 8 }, { 2, 4, 6 } };

    for (size_t i = 0; i < 8; i++) {
        if (board[lines[i][0]] == mark && board[lines[i][1]] == mark && board[lines[i][2]] == mark)
            return true;
    }
    return false;
}

static bool is_full(const uint8_t board[FIELDS])
{
    return memchr(board, 0, FIELDS) == NULL;
}

/* Who has the stake after `mover` moved; −1: nobody. */
static int holder(const struct game *game, size_t mover)
{
    return is_full(game->board) && !has_line(game->board, (uint8_t)(mover + 1)) ? -1 : (int)mover;
}

/* One simple entry for each player: his first amount, and the stake as it stands. */
static enum status check_outcome(const struct channel_fixed *fixed, const struct channel_state *state,
                                 const struct game *game, int stake_holder, struct error *error)
{
    uint64_t stake = stake_of(fixed);

    if (state->allocation_count != PLAYERS)
        return error_set(error, ERROR_INVALID_OUTCOME, "outcome: one entry for each player is expected");
    for (size_t i = 0; i < PLAYERS; i++) {
        const struct allocation *a = &state->allocations[i];
        uint64_t expected = game->first[i];

        if (stake_holder >= 0)
            expected = (size_t)stake_holder == i ? expected + stake : expected - stake;
        if (a->kind != ALLOCATION_SIMPLE || !account_equal(&a->account, &fixed->participants[i]) ||
            a->amount != expected)
            return error_set(error, ERROR_INVALID_OUTCOME, "outcome: entry %zu is not what the board gives",
                             i);
    }
    return OK;
}

static enum status init_ok(const struct channel_fixed *fixed, const struct channel_state *state,
                           struct error *error)
{
    static const uint8_t empty[FIELDS];
    struct game game;

    TRY(read_game(state, &game, error));
    if (memcmp(game.board, empty, FIELDS) != 0)
        return error_set(error, ERROR_INVALID_OUTCOME, "data: the board is empty at first");
    for (size_t i = 0; i < PLAYERS; i++) {
        if (game.first[i] < stake_of(fixed) || game.first[i] > INTEGER_MAX)
            return error_set(error, ERROR_INVALID_OUTCOME, "player %zu does not have the stake", i);
    }
    return check_outcome(fixed, state, &game, -1, error);
}

/* Exactly one field differs, was empty, and bears the mover's mark. */
static bool is_move(const struct game *before, const struct game *after, uint8_t mark)
{
    size_t changed = 0;

    for (size_t i = 0; i < FIELDS; i++) {
        if (before->board[i] == after->board[i])
            continue;
        if (before->board[i] != 0 || after->board[i] != mark)
            return false;
        changed++;
    }
    return changed == 1;
}

static enum status next_ok(const struct channel_fixed *fixed, const struct channel_state *previous,
                           const struct channel_state *next, size_t mover, struct error *error)
{
    struct game before, after;
    uint8_t mark = (uint8_t)(mover + 1);

    TRY(read_game(previous, &before, error));
    TRY(read_game(next, &after, error));
    if (next->turn <= CHANNEL_TURN_POSTFUND)
        return init_ok(fixed, next, error);
    if (memcmp(before.first, after.first, sizeof(before.first)) != 0)
        return error_set(error, ERROR_INVALID_TRANSITION, "the players' first amounts never change");
    if (mover != next->turn % PLAYERS)
        return error_set(error, ERROR_INVALID_TRANSITION, "it is the other player's move");
    if (has_line(before.board, 1) || has_line(before.board, 2) || is_full(before.board))
        return error_set(error, ERROR_INVALID_TRANSITION, "the game is over");
    if (!is_move(&before, &after, mark))
        return error_set(error, ERROR_INVALID_TRANSITION, "one empty field gets the mover's mark");
    return check_outcome(fixed, next, &after, holder(&after, mover), error);
}

static enum status supported(const struct channel_fixed *fixed, const struct signed_state *states,
                             size_t count, struct error *error)
{
    if (count == 1)
        return application_unanimous(fixed, states, count, error);
    if (count > 0 && states[0].state.turn <= CHANNEL_TURN_POSTFUND)
        return error_set(error, ERROR_WRONG_SIGNERS, "turns 0 and 1 need the signatures of both players");
    return application_turn_taking(&application_tictactoe, fixed, states, count, error);
}

/* One signature makes a move, and nobody moves for another one. */
static bool by_hand(const struct channel_state *state)
{
    return state->turn > CHANNEL_TURN_POSTFUND;
}

const struct application application_tictactoe = {
    .name = "tictactoe",
    .help = "Noughts and crosses for a stake: whoever stops playing loses it.",
    .fixed_ok = fixed_ok,
    .init_ok = init_ok,
    .next_ok = next_ok,
    .supported = supported,
    .by_hand = by_hand,
};
