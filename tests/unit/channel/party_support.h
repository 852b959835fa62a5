/* A channel of this node under test: people, the channel at hand, and the calls that move it. */
#ifndef TESTS_PARTY_SUPPORT_H
#define TESTS_PARTY_SUPPORT_H

#include "test_channel.h"

#include "layer2/channel/life.h"

struct place {
    struct fixture f;
    struct channel_fixed fixed;
    struct hash id;
    char hex[65];
    const char *first, *second;
    struct allocation all[8];
};

extern const struct module *const party_modules[];

/* A node that keeps alice's and bob's keys, and gold for four people. */
void party_begin(struct place *p);

enum status call(struct place *p, const char *method, json_t *params, json_t **result);
void describe(struct place *p, const char *first, const char *second, uint64_t nonce);
json_t *outcome(struct place *p, int first, int second);
json_t *hex_json(const void *data, size_t size);
enum status propose(struct place *p, int first, int second);
enum status update(struct place *p, const char *signer, int first, int second);
struct channel_state plain(struct place *p, uint64_t turn, uint64_t first, uint64_t second);
json_t *signature_of(struct place *p, const char *who, const struct hash *hash);
enum status update_outside(struct place *p, const char *who, const struct channel_state *s, json_t **result);
enum status sign_outside(struct place *p, const char *who, const struct channel_state *s);
int64_t number(struct place *p, const char *sql);
const char *phase(struct place *p);
void await(struct place *p, const char *sql, int64_t expected);
void deposit(struct place *p, const char *who, int amount);
void open_running(struct place *p, uint64_t nonce, int first, int second);
void advance(struct place *p, int64_t by_us);
void challenge_with(struct place *p, const struct channel_state *s, const char *who);
void checkpoint_by(struct place *p, const char *who, const struct channel_state *s);

#define assert_call(expected, ...) assert_string_equal(status_name(call(__VA_ARGS__)), status_name(expected))

#define PHASE "SELECT phase FROM channel_local WHERE id = x'$'"

#endif
