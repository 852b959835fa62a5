/* The tables of transfers: every SQL statement that writes them or reads one row for a rule. */
#ifndef LAYER2_TRANSFER_ROWS_H
#define LAYER2_TRANSFER_ROWS_H

#include "base/bytes.h"
#include "layer2/transfer/rules.h"
#include "store/database.h"

#define PLACE_MAX 80                /* "evm:" and a link's name */
#define PROVIDER_NAME_MAX 64
#define ENDPOINT_MAX 1024           /* an address, or an invoice's text at the destination */
#define DECIMAL_TEXT_MAX 80         /* 2^256 has 78 digits */
#define REFERENCE_MAX 200
#define DETAIL_MAX 2048
#define OUTSIDE_MAX 1024
#define REASON_MAX 256

/* --- providers --------------------------------------------------------------------------------- */
struct provider {
    struct account_id account;
    char name[PROVIDER_NAME_MAX];
    bool paused;
};
MUST_CHECK bool provider_read(struct database *database, const struct account_id *account,
                              struct provider *provider);
MUST_CHECK bool provider_named(struct database *database, const char *name);
void provider_insert(struct database *database, const struct provider *provider, uint64_t seq);
void provider_pause(struct database *database, const struct account_id *account, bool paused);

struct way { /* from where to where */
    struct asset_id asset;
    char source[PLACE_MAX], destination[PLACE_MAX];
};

struct terms {
    struct account_id provider;
    struct way way;
    uint64_t fee_fixed, fee_ppm, least, most, account_daily, daily;
    char outside[OUTSIDE_MAX]; /* JSON; "": nothing */
    uint64_t changed_seq;      /* the event that set them; not written from here */
};
MUST_CHECK bool terms_read(struct database *database, const struct account_id *provider,
                           const struct way *way, struct terms *terms);
/* Of the providers that are not paused and take the amount: whoever asks the smallest fee for it. */
MUST_CHECK bool terms_cheapest(struct database *database, const struct way *way, uint64_t amount,
                               struct terms *terms);
void terms_write(struct database *database, const struct terms *terms, uint64_t seq);
bool terms_delete(struct database *database, const struct account_id *provider, const struct way *way);

/* What was begun on that day; account NULL: by all together. */
uint64_t volume_read(struct database *database, const struct terms *terms, const struct account_id *account,
                     int64_t day);
/* For the account and for all together, in one; `taken_back`: it counts no more. */
void volume_add(struct database *database, const struct account_id *provider, const struct asset_id *asset,
                const struct account_id *account, int64_t day, uint64_t amount, bool taken_back);

/* --- quotes ------------------------------------------------------------------------------------ */
struct quote {
    struct hash id;
    struct account_id account, provider;
    struct way way;
    uint64_t amount, fee;
    int64_t expires_us;
    uint64_t created_seq; /* not written from here */
    bool used;
};
MUST_CHECK bool quote_read(struct database *database, const struct hash *id, struct quote *quote);
void quote_insert(struct database *database, const struct quote *quote, uint64_t seq);
void quote_use(struct database *database, const struct hash *id, const struct hash *transfer);
uint64_t quote_count_open(struct database *database, const struct account_id *account, int64_t now_us);

/* --- transfers --------------------------------------------------------------------------------- */
enum side { SIDE_SOURCE, SIDE_DESTINATION };
#define SIDES 2
const char *side_name(enum side side);
enum side action_side(enum transfer_action action);
bool action_is_lock(enum transfer_action action);

enum secret_holder {
    SECRET_NODE,      /* follows from node.key and the transfer's id: in no row before it is shown */
    SECRET_ELSEWHERE, /* the account or the recipient has it */
    SECRET_GIVEN,     /* was elsewhere, and was given to the node by transfer.reveal */
};

struct leg {
    enum side side;
    char place[PLACE_MAX];
    char sender[ENDPOINT_MAX], recipient[ENDPOINT_MAX];
    char asset[ENDPOINT_MAX], amount[DECIMAL_TEXT_MAX];
    int64_t expiry_us;
    enum sight sight;
    bool asked, refused;
    enum transfer_action acting, acted; /* under way; the one before */
    enum transfer_action wanted;   /* the newest that the rules called for */
    int64_t wanted_us;             /* since when they do */
    int64_t unseen_us;             /* since when its ledger cannot be looked at; 0: it can */
    int64_t told_us;               /* when transfer.stuck was recorded; 0: not for what is wanted now */
    uint64_t tries;
    int64_t again_us;              /* that one is not done again before */
    char reference[REFERENCE_MAX]; /* "": not known yet */
    char detail[DETAIL_MAX];       /* "": nothing */
};

struct transfer {
    struct hash id, hash;
    struct account_id account, provider;
    struct asset_id asset;
    uint64_t amount, fee;
    enum secret_holder secret;
    bool preimage_known; /* shown somewhere, or given */
    struct hash preimage;
    enum transfer_state state;
    bool cancelled;
    bool awaited;        /* whoever started it locks by himself, and has not yet */
    char reason[REASON_MAX]; /* "": none */
    bool has_quote;
    struct hash quote;
    int64_t lock_until_us, day, due_us, started_us, ended_us;
    uint64_t created_seq;
    struct leg legs[SIDES];
};
MUST_CHECK bool transfer_read(struct database *database, const struct hash *id, struct transfer *transfer);
/* One that has not ended, by the hash of its secret. */
MUST_CHECK bool transfer_find(struct database *database, const struct hash *hash, struct hash *id);
MUST_CHECK bool transfer_hash_used(struct database *database, const struct hash *hash);
void transfer_insert(struct database *database, const struct transfer *transfer);
void transfer_write(struct database *database, const struct transfer *transfer);
/* Those that wait for their account's lock: of an account; and of a provider, with the sum of what is to
 * arrive in that asset. At most as many are counted as one may have (rules.h). */
uint64_t transfer_count_awaited(struct database *database, const struct account_id *account);
uint64_t transfer_sum_awaited(struct database *database, const struct account_id *provider,
                              const struct asset_id *asset, uint64_t *sum);
/* At most `most` that are due; returns how many. */
size_t transfer_list_due(struct database *database, int64_t now_us, size_t most, struct hash *ids);
int64_t transfer_first_due(struct database *database); /* INT64_MAX: there is none */

/* The place of a text in one of these structs. INVARIANT: it fits, for parameters are bounded. */
void text_set(char *out, size_t size, const char *text);

#endif
