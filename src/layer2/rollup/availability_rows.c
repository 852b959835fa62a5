/* SQL about data that a committee holds: see availability_rows.h. */
#include "layer2/rollup/availability_rows.h"

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void bind_account(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account->bytes, sizeof(account->bytes));
}

/* --- rollup_committee ------------------------------------------------------------------------- */
void committee_insert(struct database *database, uint64_t domain, const struct account_id *members,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct statement *s = statement(database,
            "INSERT INTO rollup_committee (domain, number, member) VALUES (?, ?, ?)");

        bind_integer(s, (int64_t)domain);
        bind_integer(s, i);
        bind_account(s, &members[i]);
        (void)statement_run(s);
    }
}

unsigned committee_list(struct database *database, uint64_t domain, struct account_id members[COMMITTEE_MAX])
{
    struct statement *s = statement(database, "SELECT member FROM rollup_committee WHERE domain = ?"
                                              " ORDER BY number LIMIT ?");
    unsigned count = 0;

    bind_integer(s, (int64_t)domain);
    bind_integer(s, COMMITTEE_MAX);
    while (statement_row(s)) {
        column_fixed(s, "member", members[count].bytes, sizeof(members[count].bytes));
        count++;
    }
    return count;
}

bool committee_has(struct database *database, uint64_t domain, const struct account_id *member)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM rollup_committee WHERE domain = ?"
                                              " AND member = ?");

    bind_integer(s, (int64_t)domain);
    bind_account(s, member);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

/* --- batch_attestation ------------------------------------------------------------------------ */
void attestation_insert(struct database *database, const struct hash *batch, const struct attestation *given)
{
    struct statement *s = statement(database,
        "INSERT INTO batch_attestation (batch, member, signature) VALUES (?, ?, ?)");

    bind_hash(s, batch);
    bind_account(s, &given->member);
    bind_blob(s, given->signature.bytes, sizeof(given->signature.bytes));
    (void)statement_run(s);
}

unsigned attestation_list(struct database *database, const struct hash *batch,
                          struct attestation list[COMMITTEE_MAX])
{
    struct statement *s = statement(database, "SELECT member, signature FROM batch_attestation"
                                              " WHERE batch = ? ORDER BY member LIMIT ?");
    unsigned count = 0;

    bind_hash(s, batch);
    bind_integer(s, COMMITTEE_MAX);
    while (statement_row(s)) {
        column_fixed(s, "member", list[count].member.bytes, sizeof(list[count].member.bytes));
        column_fixed(s, "signature", list[count].signature.bytes, sizeof(list[count].signature.bytes));
        count++;
    }
    return count;
}

/* --- availability_challenge ------------------------------------------------------------------- */
const char *challenge_state_name(enum challenge_state state)
{
    switch (state) {
    case CHALLENGE_RUNS: return "running";
    case CHALLENGE_ANSWERED: return "answered";
    case CHALLENGE_UNANSWERED: return "unanswered";
    case CHALLENGE_MALFORMED: return "malformed";
    case CHALLENGE_VOID: return "void";
    }
    INVARIANT(false, "challenge state %d", (int)state);
}

bool challenge_read(struct database *database, const struct hash *batch,
                    struct availability_challenge *challenge)
{
    struct statement *s = statement(database,
        "SELECT domain, challenger, holding, bond, state, begun_us, deadline_us, ended_us, answerer, reward,"
        " burned FROM availability_challenge WHERE batch = ?");

    bind_hash(s, batch);
    if (!statement_row(s))
        return false;
    *challenge = (struct availability_challenge){
        .batch = *batch, .domain = (uint64_t)column_integer(s, "domain"),
        .bond = (uint64_t)column_integer(s, "bond"),
        .state = (enum challenge_state)column_integer(s, "state"),
        .begun_us = column_integer(s, "begun_us"), .deadline_us = column_integer(s, "deadline_us"),
        .ended_us = column_integer(s, "ended_us"), .reward = (uint64_t)column_integer(s, "reward"),
        .burned = (uint64_t)column_integer(s, "burned") };
    column_fixed(s, "challenger", challenge->challenger.bytes, sizeof(challenge->challenger.bytes));
    column_fixed(s, "holding", challenge->holding.bytes, sizeof(challenge->holding.bytes));
    if (!column_is_null(s, "answerer"))
        column_fixed(s, "answerer", challenge->answerer.bytes, sizeof(challenge->answerer.bytes));
    statement_finish(s);
    return true;
}

void challenge_insert(struct database *database, const struct availability_challenge *challenge, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO availability_challenge (batch, domain, challenger, holding, bond, state, begun_us,"
        " deadline_us, ended_us, answerer, reward, burned, created_seq)"
        " VALUES (?, ?, ?, ?, ?, 0, ?, ?, 0, NULL, 0, 0, ?)");

    bind_hash(s, &challenge->batch);
    bind_integer(s, (int64_t)challenge->domain);
    bind_account(s, &challenge->challenger);
    bind_account(s, &challenge->holding);
    bind_integer(s, (int64_t)challenge->bond);
    bind_integer(s, challenge->begun_us);
    bind_integer(s, challenge->deadline_us);
    bind_integer(s, (int64_t)seq);
    (void)statement_run(s);
}

void challenge_update(struct database *database, const struct availability_challenge *challenge)
{
    struct statement *s = statement(database,
        "UPDATE availability_challenge SET state = ?, ended_us = ?, answerer = ?, reward = ?, burned = ?"
        " WHERE batch = ?");

    bind_integer(s, challenge->state);
    bind_integer(s, challenge->ended_us);
    if (account_is_zero(&challenge->answerer))
        bind_null(s);
    else
        bind_account(s, &challenge->answerer);
    bind_integer(s, (int64_t)challenge->reward);
    bind_integer(s, (int64_t)challenge->burned);
    bind_hash(s, &challenge->batch);
    (void)statement_run(s);
}
