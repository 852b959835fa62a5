/* The published adjudicator table, nitro-adjudicator.json: every row accepted or refused for the reason named
 * there. ForceMove rows run with the table's counter application: data = the counter, rising by one, turn
 * taking. Rows about deposits run against a node (test_adjudicator.c).
 *
 * The table does not tell which state is on record. Here it has the hash of all others (zero): a challenge
 * with an equal turn (challenge-03) brings the very state on record, the only one that the ledger takes then.
 *
 * One difference on purpose: a conclude leaves the turn on record where it is or raises it, instead of
 * setting it to 0, for a turn on record never goes down. */
#include "test_channel.h"

#include "base/json.h"

#define NOW_US (1000 * MINUTE)
#define ROWS 76

static const struct {
    const char *reason;
    enum status status;
} reasons[] = {
    { "turn_decreased", ERROR_TURN_DECREASED },
    { "turn_not_increased", ERROR_TURN_NOT_INCREASED },
    { "channel_finalized", ERROR_CHANNEL_FINALIZED },
    { "channel_not_finalized", ERROR_CHANNEL_NOT_FINALIZED },
    { "challenger_not_participant", ERROR_NOT_A_PARTICIPANT },
    { "app_invalid_transition", ERROR_INVALID_TRANSITION },
    { "wrong_number_of_states", ERROR_WRONG_NUMBER_OF_STATES },
    { "invalid_signed_by", ERROR_WRONG_SIGNERS },
    { "state_not_final", ERROR_STATE_NOT_FINAL },
    { "not_unanimous", ERROR_NOT_UNANIMOUS },
    { "indices_not_increasing", ERROR_INDICES_NOT_INCREASING },
    { "fingerprint_mismatch", ERROR_FINGERPRINT_MISMATCH },
    { "guarantee_not_transferable", ERROR_GUARANTEE_NOT_TRANSFERABLE },
    { "not_a_guarantee", ERROR_NOT_A_GUARANTEE },
    { "asset_mismatch", ERROR_ASSET_MISMATCH },
    { "left_not_found", ERROR_LEFT_NOT_FOUND },
    { "right_not_found", ERROR_RIGHT_NOT_FOUND },
    { "amount_mismatch", ERROR_AMOUNT_MISMATCH },
};

static enum status expected_status(const json_t *row)
{
    const char *reason = json_string_value(json_object_get(row, "reject"));

    if (reason == NULL)
        return OK;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].reason, reason) == 0)
            return reasons[i].status;
    }
    fail_msg("the table names a reason that this test does not know: %s", reason);
    return OK;
}

static json_t *table(void)
{
    const char *folder = getenv("LAYERD_VECTORS");
    AUTO_FREE char *path = text_format("%s/nitro-adjudicator.json",
                                       folder == NULL ? SOURCE_ROOT "/../shared/vectors" : folder);
    json_error_t problem;
    json_t *value = json_load_file(path, 0, &problem);

    if (value == NULL) {
        print_message("SKIPPED: vectors not found: %s\n", path);
        memory_free_pointer(&path);
        skip();
    }
    return value;
}

/* --- ForceMove -------------------------------------------------------------------------------- */
static enum status counter_next(const struct channel_fixed *fixed, const struct channel_state *previous,
                                const struct channel_state *next, size_t mover, struct error *error)
{
    (void)fixed, (void)mover;
    if (get_be64(next->data.data) != get_be64(previous->data.data) + 1)
        return error_set(error, ERROR_INVALID_TRANSITION, "the counter rises by one");
    return OK;
}

static enum status counter_supported(const struct channel_fixed *fixed, const struct signed_state *states,
                                     size_t count, struct error *error)
{
    static const struct application counter = { .name = "counter", .next_ok = counter_next };

    return application_turn_taking(&counter, fixed, states, count, error);
}

static const struct application counter_application = { .name = "counter", .next_ok = counter_next,
                                                        .supported = counter_supported };

static struct adjudication initial_adjudication(const json_t *initial)
{
    const char *mode = json_string_value(json_object_get(initial, "mode"));
    struct adjudication a = adjudication_new();

    a.turn_record = (uint64_t)json_integer_value(json_object_get(initial, "turn_record"));
    a.has_outcome = json_is_true(json_object_get(initial, "stored"));
    if (strcmp(mode, "challenge") == 0) {
        a.finalizes_at_us = NOW_US + 500 * MINUTE;
        a.first_challenge_us = NOW_US - 1;
        a.challenger = 0;
        a.challenge_turn = a.turn_record;
    } else if (strcmp(mode, "finalized") == 0) {
        a.finalizes_at_us = NOW_US - 500 * MINUTE;
    }
    return a;
}

/* The row's states with their counters and signers; returns how many. */
static size_t read_states(const json_t *action, struct signed_state *states, uint8_t counters[][8])
{
    const json_t *list = json_object_get(action, "states"), *item, *signer;
    size_t i, j;

    json_array_foreach (list, i, item) {
        states[i] = (struct signed_state){ .signed_by = 0 };
        states[i].state.turn = (uint64_t)json_integer_value(json_object_get(item, "turn"));
        states[i].state.final = json_is_true(json_object_get(item, "final"));
        put_be64(counters[i], (uint64_t)json_integer_value(json_object_get(item, "counter")));
        states[i].state.data = bytes_of(counters[i], 8);
        json_array_foreach (json_object_get(item, "signed_by"), j, signer)
            states[i].signed_by |= UINT32_C(1) << json_integer_value(signer);
    }
    return json_array_size(list);
}

/* The participant that the row's challenger is; −1 for an outsider. */
static int challenger_of(const json_t *action)
{
    const char *text = json_string_value(json_object_get(action, "challenger"));
    int number;

    return text != NULL && sscanf(text, "participant %d", &number) == 1 ? number : -1;
}

static void check_after(const char *op, const json_t *row, const struct adjudication *before,
                        const struct adjudication *a, int64_t duration_us)
{
    const json_t *after = json_object_get(row, "after"), *finalizes = json_object_get(after, "finalizes_at");
    uint64_t turn = (uint64_t)json_integer_value(json_object_get(after, "turn_record"));
    const char *when = json_string_value(finalizes);

    if (json_string_value(json_object_get(row, "reject")) != NULL) {
        assert_memory_equal(before, a, sizeof(*a)); /* a refused action changes nothing */
        return;
    }
    assert_string_equal(channel_mode_name(adjudication_mode(a, NOW_US)),
                        json_string_value(json_object_get(after, "mode")));
    if (strcmp(op, "conclude") == 0)
        assert_true(a->turn_record >= before->turn_record && turn == 0);
    else
        assert_int_equal(a->turn_record, turn);
    if (when == NULL)
        assert_true(json_integer_value(finalizes) == 0 && a->finalizes_at_us == NEVER_US);
    else
        assert_true(a->finalizes_at_us == NOW_US + (strcmp(when, "now") == 0 ? 0 : duration_us));
}

static void run_force_move(const json_t *row, const char *id, const char *op, const json_t *action)
{
    struct channel_fixed fixed =
        fixed_of((size_t)json_integer_value(json_object_get(action, "participants")), "counter");
    struct adjudication a = initial_adjudication(json_object_get(row, "initial")), before = a;
    struct signed_state states[8];
    uint8_t counters[8][8];
    size_t count = read_states(action, states, counters);
    struct error error = { .message = "" };
    enum status status;

    fixed.challenge_period_us =
        json_integer_value(json_object_get(action, "challenge_duration")) * MICROSECONDS_PER_SECOND;
    fixed.dispute_limit_us = 100 * fixed.challenge_period_us;
    if (strcmp(op, "challenge") == 0)
        status = rules_challenge(&counter_application, &fixed, states, count, challenger_of(action), NOW_US,
                                 &a, &error);
    else if (strcmp(op, "checkpoint") == 0)
        status = rules_checkpoint(&counter_application, &fixed, states, count, NOW_US, &a, NULL, &error);
    else
        status = rules_conclude(&fixed, &states[0], NOW_US, &a, &error);
    if (status != expected_status(row))
        fail_msg("%s: %s (%s)", id, status_name(status), error.message);
    check_after(op, row, &before, &a, fixed.challenge_period_us);
}

/* --- transfer and reclaim --------------------------------------------------------------------- */
/* People are keys; "c", "C", "X" and "target" are channels. */
static unsigned person(const char *name)
{
    static const char *const people[] = { "A", "B", "Alice", "Bob", "Irene", "Carol", NULL };

    for (unsigned i = 0; people[i] != NULL; i++) {
        if (strcmp(people[i], name) == 0)
            return i + 1;
    }
    return 0;
}

static struct hash channel_named(const char *name)
{
    struct hash id;

    memset(id.bytes, 0, sizeof(id.bytes));
    memcpy(id.bytes, name, strlen(name));
    return id;
}

static void read_outcome(const json_t *list, struct channel_state *state, struct allocation *all)
{
    const json_t *item;
    size_t i;

    *state = (struct channel_state){ .allocations = all, .allocation_count = json_array_size(list) };
    json_array_foreach (list, i, item) {
        const char *name = json_string_value(json_array_get(item, 0));
        const json_t *ends = json_array_get(item, 3);

        all[i] = (struct allocation){ .amount = (uint64_t)json_integer_value(json_array_get(item, 1)) };
        if (strcmp(json_string_value(json_array_get(item, 2)), "guarantee") == 0) {
            all[i].kind = ALLOCATION_GUARANTEE;
            all[i].target = channel_named(name);
            if (ends != NULL) {
                all[i].left = account_number(person(json_string_value(json_object_get(ends, "left"))));
                all[i].right = account_number(person(json_string_value(json_object_get(ends, "right"))));
            }
        } else if (person(name) != 0) {
            all[i].account = account_number(person(name));
        } else {
            all[i].kind = ALLOCATION_CHANNEL;
            all[i].target = channel_named(name);
        }
    }
}

static void assert_same_outcome(const struct channel_state *got, const json_t *expected)
{
    struct allocation all[8];
    struct channel_state state;
    struct buffer a CLEANUP(buffer_close) = { 0 };
    struct buffer b CLEANUP(buffer_close) = { 0 };

    read_outcome(expected, &state, all);
    channel_allocations_encode(got->allocations, got->allocation_count, &a);
    channel_allocations_encode(state.allocations, state.allocation_count, &b);
    assert_true(bytes_equal(buffer_bytes(&a), buffer_bytes(&b)));
}

/* Pays what the rules allow, as the adjudicator does: checks, shares, and takes what was paid off the
 * entries. */
static enum status transfer(const json_t *initial, const json_t *action, struct channel_state *outcome,
                            uint64_t paid[], struct error *error)
{
    const json_t *list = json_object_get(action, "indices");
    uint64_t indices[8], shares[8] = { 0 };
    struct adjudication a = initial_adjudication(initial);
    struct hash id = channel_named("c"), stored, given;

    for (size_t i = 0; i < json_array_size(list); i++)
        indices[i] = (uint64_t)json_integer_value(json_array_get(list, i));
    channel_outcome_hash(&id, outcome, &stored);
    given = stored;
    if (strcmp(json_string_value(json_object_get(action, "outcome_given")), "wrong") == 0)
        given.bytes[0] ^= 1;
    TRY(payout_check(outcome, adjudication_mode(&a, NOW_US) == CHANNEL_FINALIZED, indices,
                     json_array_size(list), &given, &stored, error));
    payout_shares(outcome, 0,
                  (uint64_t)json_integer_value(json_object_get(json_object_get(initial, "held"), "c")),
                  shares);
    for (size_t i = 0; i < outcome->allocation_count; i++) {
        if (!payout_asked(indices, json_array_size(list), i))
            continue;
        paid[i] = shares[i];
        outcome->allocations[i].amount -= shares[i];
    }
    return OK;
}

static void run_transfer(const json_t *row, const char *id, const json_t *action)
{
    const json_t *initial = json_object_get(row, "initial"), *after = json_object_get(row, "after"), *amount;
    struct allocation all[8];
    struct channel_state outcome;
    uint64_t paid[8] = { 0 }, sum = 0;
    struct error error = { .message = "" };
    enum status status;
    const char *name;

    read_outcome(json_object_get(initial, "outcome"), &outcome, all);
    status = transfer(initial, action, &outcome, paid, &error);
    if (status != expected_status(row))
        fail_msg("%s: %s (%s)", id, status_name(status), error.message);
    if (status != OK)
        return;
    assert_same_outcome(&outcome, json_object_get(after, "outcome"));
    for (size_t i = 0; i < 8; i++)
        sum += paid[i];
    json_object_foreach ((json_t *)json_object_get(after, "paid"), name, amount) {
        uint64_t got = 0;
        struct account_id account = account_number(person(name));

        for (size_t i = 0; i < outcome.allocation_count; i++)
            got += account_equal(&outcome.allocations[i].account, &account) ? paid[i] : 0;
        assert_int_equal(got, json_integer_value(amount));
    }
    json_object_foreach ((json_t *)json_object_get(after, "held"), name, amount) {
        struct hash target = channel_named(name);
        uint64_t held = strcmp(name, "c") == 0
                            ? (uint64_t)json_integer_value(
                                  json_object_get(json_object_get(initial, "held"), "c")) - sum
                            : 0;

        for (size_t i = 0; i < outcome.allocation_count; i++)
            held += hash_equal(&outcome.allocations[i].target, &target) ? paid[i] : 0;
        assert_int_equal(held, json_integer_value(amount));
    }
}

static bool is_wrong(const json_t *action, const char *member)
{
    return strcmp(json_string_value(json_object_get(action, member)), "wrong") == 0;
}

static void run_reclaim(const json_t *row, const char *id, const json_t *action)
{
    const json_t *initial = json_object_get(row, "initial"), *after = json_object_get(row, "after");
    const json_t *source_json = json_object_get(initial, "source"),
                 *target_json = json_object_get(initial, "target");
    struct channel_fixed source_fixed = fixed_of(2, "consensus"), target_fixed = source_fixed;
    struct adjudication source_a = initial_adjudication(source_json),
                        target_a = initial_adjudication(target_json);
    struct allocation source_all[8], target_all[8];
    struct channel_state source, target;
    struct hash source_id = channel_named("source"), target_id = channel_named("target"), stored[2], given[2];
    struct error error = { .message = "" };
    enum status status;

    read_outcome(json_object_get(source_json, "outcome"), &source, source_all);
    read_outcome(json_object_get(target_json, "outcome"), &target, target_all);
    channel_outcome_hash(&source_id, &source, &stored[0]);
    channel_outcome_hash(&target_id, &target, &stored[1]);
    memcpy(given, stored, sizeof(given));
    given[0].bytes[0] ^= is_wrong(action, "source_outcome_given");
    given[1].bytes[0] ^= is_wrong(action, "target_outcome_given");
    if (strcmp(json_string_value(json_object_get(action, "target_asset")), "other") == 0)
        memset(&target_fixed.assets[0], 0xBB, sizeof(target_fixed.assets[0]));
    status = payout_check(&source, adjudication_mode(&source_a, NOW_US) == CHANNEL_FINALIZED, NULL, 0,
                          &given[0], &stored[0], &error);
    if (status == OK)
        status = payout_reclaim(&source_fixed, &source,
                                (size_t)json_integer_value(json_object_get(action, "guarantee_index")),
                                &target_id, &target_fixed, &target,
                                adjudication_mode(&target_a, NOW_US) == CHANNEL_FINALIZED, &given[1],
                                &stored[1], &error);
    if (status != expected_status(row))
        fail_msg("%s: %s (%s)", id, status_name(status), error.message);
    assert_same_outcome(&source, status == OK ? json_object_get(after, "source_outcome")
                                              : json_object_get(source_json, "outcome"));
    assert_same_outcome(&target, json_object_get(target_json, "outcome"));
}

static void every_row_of_the_published_table_is_met(void **state)
{
    json_t *whole AUTO_JSON = table();
    const json_t *rows = json_object_get(whole, "rows"), *row;
    size_t i, run = 0;

    (void)state;
    assert_int_equal(json_array_size(rows), ROWS);
    json_array_foreach (rows, i, row) {
        const json_t *action = json_object_get(row, "action");
        const char *op = json_string_value(json_object_get(action, "op"));
        const char *id = json_string_value(json_object_get(row, "id"));
        const char *reason = json_string_value(json_object_get(row, "reject"));

        if (strcmp(op, "deposit") == 0 || (reason != NULL && strcmp(reason, "invalid_signature") == 0))
            continue; /* with a ledger and signatures: test_adjudicator.c */
        if (strcmp(op, "transfer") == 0)
            run_transfer(row, id, action);
        else if (strcmp(op, "reclaim") == 0)
            run_reclaim(row, id, action);
        else
            run_force_move(row, id, op, action);
        run++;
    }
    assert_int_equal(run, ROWS - 11 - 1);
}

int vector_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_published_table_is_met),
    };

    return cmocka_run_group_tests_name("the published adjudicator table", tests, NULL, NULL);
}
