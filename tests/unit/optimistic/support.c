/* What the dispute game's tests share: see test_optimistic.h. */
#include "test_optimistic.h"

#include "base/clock.h"

struct game_params params_small(void)
{
    return (struct game_params){ .max_depth = 4, .split_depth = 2, .max_clock_us = 1000, .extension_us = 100,
                                 .step_extension_us = 30, .air_gap_us = 500, .payout_delay_us = 200,
                                 .bond_base = 100, .bond_numerator = 3, .bond_denominator = 2 };
}

struct account_id person(unsigned number)
{
    struct account_id id = { { 7 } };

    put_be32(id.bytes + 28, number);
    return id;
}

struct hash value_of(unsigned number)
{
    struct hash value = { { 9 } };

    put_be32(value.bytes + 28, number);
    return value;
}

/* --- the machine ------------------------------------------------------------------------------ */
struct hash machine_value(const struct machine *machine, unsigned __int128 index, unsigned state)
{
    struct hash value = { { 1 } };

    (void)machine;
    put_be64(value.bytes + 8, (uint64_t)(index >> 64));
    put_be64(value.bytes + 16, (uint64_t)index);
    put_be64(value.bytes + 24, state);
    return value;
}

struct hash machine_prestate(const struct machine *machine)
{
    struct hash value = machine_value(machine, 0, 0);

    value.bytes[0] = 2;
    return value;
}

/* Where the step with this index leads from a state. */
static unsigned next_state(const struct machine *machine, unsigned __int128 index, unsigned state)
{
    uint64_t mixed = machine->seed + (uint64_t)index * UINT64_C(0x9e3779b97f4a7c15) + state;

    if (machine->states == 1)
        return state; /* long traces: a lie stays one */
    mixed ^= mixed >> 31;
    mixed *= UINT64_C(0xbf58476d1ce4e5b9);
    mixed ^= mixed >> 29;
    mixed *= UINT64_C(0x94d049bb133111eb);
    return (unsigned)((mixed >> 33) % machine->states);
}

struct hash machine_truth(struct machine *machine, unsigned __int128 index)
{
    unsigned state = 0;

    if (machine->states == 1)
        return machine_value(machine, index, machine->lying && index >= machine->wrong_from);
    assert_true(machine->depth <= MACHINE_DEPTH_MAX);
    for (unsigned i = 0; !machine->known && i < 1u << machine->depth; i++) {
        state = next_state(machine, i, state);
        if (machine->lying && i == machine->wrong_from)
            state = (state + 1) % machine->states;
        machine->trace[i] = (unsigned char)state;
    }
    machine->known = true;
    return machine_value(machine, index, machine->trace[(size_t)index]);
}

static enum status trace_value(void *context, unsigned __int128 index, struct hash *out, struct error *error)
{
    struct machine *machine = context;

    assert_true(index >> machine->depth == 0);
    (void)error;
    *out = machine_truth(machine, index);
    return OK;
}

struct honest_trace machine_trace(struct machine *machine)
{
    return (struct honest_trace){ .value = trace_value, .context = machine };
}

static enum status judge(void *context, unsigned __int128 index, const struct hash *pre,
                         const struct hash *post, bool *right, struct error *error)
{
    struct machine *machine = context;
    struct hash prestate = machine_prestate(machine), expected;
    unsigned state = (unsigned)get_be64(pre->bytes + 24);

    assert_true(index >> machine->depth == 0);
    if (index == 0 ? !hash_equal(pre, &prestate) : pre->bytes[0] != 1)
        return error_set(error, ERROR_INVALID_PARAMS, "no witness for this state");
    if (index > 0) { /* the state before a step is the one that the step before it left */
        expected = machine_value(machine, index - 1, state);
        assert_true(hash_equal(pre, &expected));
    }
    expected = machine_value(machine, index, next_state(machine, index, state));
    *right = hash_equal(post, &expected);
    return OK;
}

struct step_judge machine_judge(struct machine *machine)
{
    return (struct step_judge){ .judge = judge, .context = machine };
}

/* --- moves ------------------------------------------------------------------------------------ */
struct move move_of(const struct game *game, enum move_kind kind, uint32_t parent, const struct hash *value,
                    unsigned mover)
{
    struct move move = { .kind = kind, .parent = parent, .disputed = game->claims[parent].value,
                         .mover = person(mover) };
    unsigned depth = position_depth(game->claims[parent].position) + 1;

    if (value != NULL)
        move.value = *value;
    if ((kind == MOVE_ATTACK || kind == MOVE_DEFEND) && depth <= game->params.max_depth)
        move.bond = game_bond(&game->params, depth);
    return move;
}

uint32_t make(struct game *game, enum move_kind kind, uint32_t parent, unsigned value, unsigned mover,
              int64_t now_us)
{
    struct hash hash = value_of(value);
    struct move move = move_of(game, kind, parent, &hash, mover);
    struct error error = { .message = "" };
    uint32_t made = GAME_NO_CLAIM;

    assert_status(game_move(game, &move, now_us, &made, &error), OK);
    return made;
}

/* --- randomness ------------------------------------------------------------------------------- */
uint64_t random_seed(const char *test)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();

    print_message("%s: LAYERD_SEED=%" PRIu64 "\n", test, seed);
    return seed * 2 + 1;
}

uint64_t random_below(uint64_t *state, uint64_t bound)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
}
