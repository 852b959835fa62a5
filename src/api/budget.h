/* What clients make a socket's server keep for them: output (replies that they do not read), input
 * (requests that wait behind those, and lines begun), and what is waiting (requests that no worker has
 * come to yet: they may all turn into input, so no more of them are read than input may be). Counted
 * as it comes and goes, by connection, by user and in all: replies and the requests behind them by the
 * memory that they lie in. Looked at before a request is read and before it is begun. Charging and
 * giving back is for any thread, all else for the I/O thread. */
#ifndef API_BUDGET_H
#define API_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum budget_kind { BUDGET_OUTPUT, BUDGET_INPUT, BUDGET_WAITING };
#define BUDGET_KINDS 3

/* Why a connection was closed without its client's wish. */
enum closing { CLOSING_UNREAD, CLOSING_LINE_TIME, CLOSING_LINE_SIZE, CLOSING_ROOM };
#define CLOSINGS 4

struct budget_user {
    struct budget_user *next;
    int64_t uid;
    size_t connections;                  /* open */
    atomic_size_t holders;               /* connections not freed yet, which point here */
    atomic_size_t bytes[BUDGET_KINDS];
    size_t jobs;                         /* of events.sock, waiting */
    uint64_t job_turn;                   /* when it had its turn last; 0: never */
    size_t closed[CLOSINGS];             /* since they were last reported */
};

struct budget {
    size_t most[BUDGET_KINDS];           /* of all users together */
    atomic_size_t bytes[BUDGET_KINDS];
    struct budget_user *users;
};

void budget_open(struct budget *budget, size_t most); /* bytes of output and input together */
void budget_close(struct budget *budget);
struct budget_user *budget_user(struct budget *budget, int64_t uid); /* made when it is new */
/* Who makes it keep the most of this kind; NULL: nobody keeps any. If anybody's share is spent, this one's
 * is. */
struct budget_user *budget_greediest(const struct budget *budget, enum budget_kind kind);

void budget_charge(struct budget *budget, struct budget_user *user, enum budget_kind kind, size_t bytes);
void budget_refund(struct budget *budget, struct budget_user *user, enum budget_kind kind, size_t bytes);

/* A user has its share, or all users together have everything: nothing is begun. A user's share is half. */
bool budget_is_spent(const struct budget *budget, const struct budget_user *user, enum budget_kind kind);
/* Three quarters of everything, or half of the user's share: who has something unread begins nothing. */
bool budget_is_tight(const struct budget *budget, const struct budget_user *user);
/* Everything is spent: not even a line begun is read on. */
bool budget_is_exhausted(const struct budget *budget, enum budget_kind kind);

#endif
