/* Counters alone; what follows from them is decided in connection.c and relief.c. A user's entry stays as
 * long as a connection points to it, and is then taken for the next new user. */
#include "api/budget.h"

#include <stdlib.h>

#include "base/memory.h"

#define USER_PART 2         /* of everything: one user's share */
#define TIGHT_PART 2        /* of a user's share */

void budget_open(struct budget *b, size_t most)
{
    *b = (struct budget){ 0 };
    for (size_t kind = 0; kind < BUDGET_KINDS; kind++)
        b->most[kind] = most / 2;
}

void budget_close(struct budget *b)
{
    while (b->users != NULL) {
        struct budget_user *next = b->users->next;
        free(b->users);
        b->users = next;
    }
}

struct budget_user *budget_user(struct budget *b, int64_t uid)
{
    struct budget_user *free_entry = NULL;
    for (struct budget_user *u = b->users; u != NULL; u = u->next) {
        if (u->uid == uid)
            return u;
        bool reported = true;
        for (size_t i = 0; i < CLOSINGS; i++)
            reported = reported && u->closed[i] == 0;
        if (reported && u->connections == 0 && atomic_load(&u->holders) == 0)
            free_entry = u;
    }
    if (free_entry == NULL) {
        free_entry = memory_new(sizeof *free_entry);
        free_entry->next = b->users;
        b->users = free_entry;
    }
    free_entry->uid = uid;
    free_entry->job_turn = 0;
    return free_entry;
}

struct budget_user *budget_greediest(const struct budget *b, enum budget_kind kind)
{
    struct budget_user *greediest = NULL;
    size_t most = 0;
    for (struct budget_user *u = b->users; u != NULL; u = u->next) {
        size_t bytes = atomic_load(&u->bytes[kind]);
        if (bytes > most) {
            greediest = u;
            most = bytes;
        }
    }
    return greediest;
}

void budget_charge(struct budget *b, struct budget_user *user, enum budget_kind kind, size_t bytes)
{
    atomic_fetch_add(&user->bytes[kind], bytes);
    atomic_fetch_add(&b->bytes[kind], bytes);
}

void budget_refund(struct budget *b, struct budget_user *user, enum budget_kind kind, size_t bytes)
{
    atomic_fetch_sub(&user->bytes[kind], bytes);
    atomic_fetch_sub(&b->bytes[kind], bytes);
}

bool budget_is_exhausted(const struct budget *b, enum budget_kind kind)
{
    return atomic_load(&b->bytes[kind]) >= b->most[kind];
}

bool budget_is_spent(const struct budget *b, const struct budget_user *user, enum budget_kind kind)
{
    return budget_is_exhausted(b, kind) || atomic_load(&user->bytes[kind]) >= b->most[kind] / USER_PART;
}

bool budget_is_tight(const struct budget *b, const struct budget_user *user)
{
    size_t most = b->most[BUDGET_OUTPUT];
    return atomic_load(&b->bytes[BUDGET_OUTPUT]) >= most - most / 4
           || atomic_load(&user->bytes[BUDGET_OUTPUT]) >= most / USER_PART / TIGHT_PART;
}
