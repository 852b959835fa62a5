/* A ring of the newest: what it forgets counts as asked for with the newest of them. */
#include "network/lightning/begun.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "network/lightning/lightning_pay.h"

#define BEGUN_MAX 1024

struct begun {
    pthread_mutex_t lock;
    int64_t opened_us;
    int64_t forgotten_us; /* the newest that was overwritten; 0: none */
    struct { struct hash key; int64_t asked_us; } entries[BEGUN_MAX];
    size_t next;
};

struct begun *begun_open(int64_t now_us)
{
    struct begun *begun = memory_new(sizeof(*begun));

    pthread_mutex_init(&begun->lock, NULL);
    begun->opened_us = now_us;
    return begun;
}

void begun_close(struct begun *begun)
{
    if (begun == NULL)
        return;
    pthread_mutex_destroy(&begun->lock);
    free(begun);
}

static struct hash key_of(const char *key)
{
    struct hash hash;

    sha256(&hash, key, strlen(key));
    return hash;
}

void begun_note(struct begun *begun, const char *key, int64_t now_us)
{
    struct hash hash = key_of(key);

    pthread_mutex_lock(&begun->lock);
    if (begun->entries[begun->next].asked_us > begun->forgotten_us)
        begun->forgotten_us = begun->entries[begun->next].asked_us;
    begun->entries[begun->next].key = hash;
    begun->entries[begun->next].asked_us = now_us;
    begun->next = (begun->next + 1) % BEGUN_MAX;
    pthread_mutex_unlock(&begun->lock);
}

/* When it was asked for at the latest; 0: it never was. */
static int64_t asked_at(const struct begun *begun, const struct hash *key, int64_t since_us)
{
    /* what this life has forgotten it forgot after the life before, if that can have asked for it at all */
    int64_t asked_us = begun->forgotten_us;

    if (since_us <= begun->opened_us && begun->opened_us > asked_us)
        asked_us = begun->opened_us;
    for (size_t i = 0; i < BEGUN_MAX; i++) {
        if (begun->entries[i].asked_us > asked_us && hash_equal(&begun->entries[i].key, key))
            asked_us = begun->entries[i].asked_us;
    }
    return asked_us >= since_us ? asked_us : 0;
}

bool begun_may_run(struct begun *begun, const char *key, int64_t since_us, uint64_t seconds, int64_t now_us)
{
    struct hash hash = key_of(key);
    int64_t asked_us, time_us = (int64_t)(seconds + LIGHTNING_PATIENCE_MARGIN) * MICROSECONDS_PER_SECOND;

    pthread_mutex_lock(&begun->lock);
    asked_us = asked_at(begun, &hash, since_us);
    pthread_mutex_unlock(&begun->lock);
    return asked_us > 0 && now_us < asked_us + time_us;
}
